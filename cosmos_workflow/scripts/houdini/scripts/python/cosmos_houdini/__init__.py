"""Houdini's side of the hand-off: calls the installed ``cosmos`` and never imports it.

Runs in the Pythons of Houdini 19.5 to 21 (3.9 to 3.11) with the standard library alone.
"""
