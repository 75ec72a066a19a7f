"""Runs the jobs of workflows: takes them from a forge, runs their steps in a shell, sends log and outcome back.

Imports the kit only; knows the forge by ``protocol`` alone.
"""
