"""The trained networks: their files, how they are compiled and run, and how their answers are combined."""
