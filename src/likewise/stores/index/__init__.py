"""Indexes for approximate search: what one is asked for, FAISS, and the file that keeps one."""
