"""data/tasks"""
