"""data/pool"""
