"""Lists as files, read and written without knowing S3, Redis or segments.

``format`` detects what a file is; ``csv`` and ``parquet`` read its cells and write keys;
``keys`` validates cells and finds doubtful ones; ``spills`` keeps packed rows between scatter
and gather.
"""
