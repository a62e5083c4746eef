"""Test scripts for the real SD.Next that are always there, and change sizes once a job has begun."""

from modules import scripts_manager


class Enlarger(scripts_manager.Script):
    """Makes pictures of 384 x 320, whatever was asked for, if its only argument is true."""

    def title(self):
        return "Sizes: enlarger"

    def show(self, is_img2img):
        return scripts_manager.AlwaysVisible

    def ui(self, is_img2img):
        import gradio

        return [gradio.Checkbox(label="Enabled", value=False, visible=False)]

    def process(self, p, is_enabled=False):
        if is_enabled:
            p.width, p.height = 384, 320


class LateEnlarger(Enlarger):
    """The same, behind the host's back: when the size of the batch stands already."""

    def title(self):
        return "Sizes: late enlarger"

    def process(self, p, is_enabled=False):
        pass

    def before_process_batch(self, p, is_enabled=False, **kwargs):
        if is_enabled:
            p.width, p.height = 384, 320
