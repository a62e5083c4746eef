"""The pipeline ring: follows one diffusers pipeline without any host.

``run`` follows one job through its passes; hooks tell it of steps, phases and decodes, and Stop leaves the
model at an exit point. ``console`` draws the bars.
"""
