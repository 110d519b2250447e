"""Key figures (指标): what is divided by what, over which days, and what it is measured against."""
