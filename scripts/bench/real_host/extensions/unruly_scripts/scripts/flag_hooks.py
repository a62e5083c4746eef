"""Test scripts for the real SD.Next that are always there, and act within each picture when asked to."""

import copy

from press_book import SHELF

from modules import processing, scripts_manager, shared


class FlagHook(scripts_manager.Script):
    """A script that is always there and does nothing unless its only argument is true."""

    name_shown = None

    def title(self):
        return self.name_shown or "Flags"

    def show(self, is_img2img):
        return scripts_manager.AlwaysVisible if self.name_shown else False

    def ui(self, is_img2img):
        import gradio

        return [gradio.Checkbox(label="Enabled", value=False, visible=False)]


class Detailer(FlagHook):
    """Makes each picture anew from itself in an inner call, unless something was pressed."""

    name_shown = "Flags: detailer"

    def postprocess_image(self, p, pp, is_enabled=False):
        if not is_enabled or getattr(p, "_is_detail", False):
            return
        SHELF.book.read_flags("before the detail")
        if shared.state.interrupted or shared.state.skipped:
            return
        inner = processing.StableDiffusionProcessingImg2Img(
            sd_model=shared.sd_model,
            init_images=[copy.copy(pp.image)],
            prompt="a detail",
            seed=7,
            steps=p.steps,
            width=pp.image.width,
            height=pp.image.height,
            sampler_name=p.sampler_name,
            denoising_strength=0.9,
            do_not_save_samples=True,
            do_not_save_grid=True,
        )
        inner._is_detail = True
        processed = processing.process_images(inner)
        SHELF.book.read_flags("after the detail")
        if processed is not None and processed.images:
            pp.image = processed.images[0]


class DynamicPrompts(FlagHook):
    """Makes three prompts out of one, after the host has begun."""

    name_shown = "Flags: dynamic prompts"

    def process(self, p, is_enabled=False):
        if is_enabled:
            p.all_prompts = [f"{p.prompt} {word}" for word in ("low", "wide", "far")]
            p.all_negative_prompts = [""] * 3
            p.all_seeds, p.all_subseeds = [11, 12, 13], [11, 12, 13]
            p.n_iter, p.batch_size = 3, 1


class Blacklist(FlagHook):
    """Presses Skip itself when a prompt is not to its liking."""

    name_shown = "Flags: blacklist"

    def before_process_batch(self, p, is_enabled=False, batch_number=0, **kwargs):
        if is_enabled and batch_number == 1:
            shared.state.skip()


class AfterEachPicture(FlagHook):
    """Stops the request itself when the second picture is there."""

    name_shown = "Flags: enough"

    def postprocess_batch(self, p, is_enabled=False, batch_number=0, **kwargs):
        if is_enabled:
            SHELF.book.read_flags(f"after picture {batch_number}")
            if batch_number == 1:
                shared.state.interrupt()
