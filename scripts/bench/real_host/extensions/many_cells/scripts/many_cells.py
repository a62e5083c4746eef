"""Test scripts for the real SD.Next that make several pictures with one press, and say so or not."""

import copy

from modules import processing, scripts_manager, shared


class _AlwaysThere(scripts_manager.Script):
    name_shown = None

    def title(self):
        return self.name_shown or "Cells"

    def show(self, is_img2img):
        return scripts_manager.AlwaysVisible if self.name_shown else False

    def ui(self, is_img2img):
        import gradio

        return [gradio.Checkbox(label="Enabled", value=False, visible=False)]


class DynamicPrompts(_AlwaysThere):
    """Makes four images out of one, after the host has begun."""

    name_shown = "Cells: dynamic prompts"

    def process(self, p, is_enabled=False):
        if is_enabled:
            p.all_prompts = [f"{p.prompt} {word}" for word in ("low", "wide", "far", "near")]
            p.all_negative_prompts = [""] * 4
            p.all_seeds, p.all_subseeds = [11, 12, 13, 14], [11, 12, 13, 14]
            p.n_iter, p.batch_size = 4, 1


class Resizer(_AlwaysThere):
    """Makes the picture larger than was asked for, after the host has begun."""

    name_shown = "Cells: resizer"

    def process(self, p, is_enabled=False):
        if is_enabled:
            p.width, p.height = 2 * p.width, 2 * p.height


class _Selected(scripts_manager.Script):
    name_shown = None

    def title(self):
        return self.name_shown or "Cells"

    def show(self, is_img2img):
        return bool(self.name_shown)

    def ui(self, is_img2img):
        import gradio

        return [gradio.Number(label="Count", value=5, visible=False)]


class Undeclared(_Selected):
    """Calls for pictures one by one, and never says how many."""

    name_shown = "Cells: undeclared"

    def run(self, p, count=5):
        pictures = []
        for number in range(int(count)):
            cell = copy.copy(p)
            cell.seed = 20 + number
            pictures += processing.process_images(cell).images
        return processing.Processed(p, pictures)


class Once(_Selected):
    """Calls for its pictures once."""

    name_shown = "Cells: once"

    def run(self, p, count=1):
        p.n_iter = 3
        return processing.process_images(p)


class Declared(_Selected):
    """Says how many pictures come, and makes each of another size and with other steps."""

    name_shown = "Cells: declared"

    def run(self, p, count=4):
        shared.state.job_count = int(count)
        pictures = []
        for number in range(int(count)):
            cell = copy.copy(p)
            cell.steps = p.steps + 2 * number
            pictures += processing.process_images(cell).images
        return processing.Processed(p, pictures)
