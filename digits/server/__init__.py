"""The server: a parent process, and the worker processes that it starts and replaces."""
