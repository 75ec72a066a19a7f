"""The lifecycle of containers: observe, plan (pure), stages, journal, report. Imports every door below it."""
