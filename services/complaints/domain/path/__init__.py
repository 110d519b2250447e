"""The path of a case (处理流程): its steps as data, what each asks for, and where a case stands on it."""
