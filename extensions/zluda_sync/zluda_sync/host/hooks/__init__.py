"""What stands in the place of names of SD.Next: ``plan`` says which, ``patch_table`` puts them in and out.

The other files hold the replacements: of steps, phases, images, and of fields and routes of progress.
"""
