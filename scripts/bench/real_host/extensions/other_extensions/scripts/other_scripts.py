"""Test scripts for the real SD.Next with the hooks of popular extensions. None of them is anybody's code."""

import copy

import torch
from other_book import BOOK

from modules import processing, scripts_manager, sd_samplers, shared


class AlwaysThere(scripts_manager.Script):
    """Does nothing unless its only argument is true."""

    name_shown = None

    def title(self):
        return self.name_shown or "Others"

    def show(self, is_img2img):
        return scripts_manager.AlwaysVisible if self.name_shown else False

    def ui(self, is_img2img):
        import gradio

        return [gradio.Checkbox(label="Enabled", value=False, visible=False)]


class Detailer(AlwaysThere):
    """Finds two faces, shows where they are, counts them into the job, and makes each anew."""

    name_shown = "Others: detailer"

    def postprocess_image(self, p, pp, is_enabled=False):
        if not is_enabled or getattr(p, "_is_detail", False) or shared.state.interrupted:
            return
        shared.state.assign_current_image(pp.image.copy())
        shared.state.job_count += 2
        plan = processing.StableDiffusionProcessingImg2Img(
            sd_model=shared.sd_model,
            init_images=[pp.image],
            prompt="a face",
            seed=7,
            steps=p.steps,
            width=128,
            height=128,
            sampler_name=p.sampler_name,
            denoising_strength=0.9,
            do_not_save_samples=True,
            do_not_save_grid=True,
        )
        plan._is_detail = True
        for _ in range(2):
            inner = copy.copy(plan)
            inner.init_images = [pp.image]
            processed = processing.process_images(inner)
            if processed is None or not processed.images:
                break
            pp.image = processed.images[0]


class Tiles(AlwaysThere):
    """Runs the decoder tile by tile in the place of its forward, and wraps how samplers are made."""

    name_shown = "Others: tiles"

    def process(self, p, is_enabled=False):
        if not is_enabled:
            return
        decoder = shared.sd_model.vae.decoder
        own = decoder.forward

        def forward(latents, *args, **kwargs):
            half = latents.shape[-1] // 2
            tiles = []
            for tile in (latents[..., :half], latents[..., half:]):
                BOOK.note("tile")
                tiles.append(own(tile.contiguous(), *args, **kwargs))
            return torch.cat(tiles, dim=-1)

        def create_sampler(*args, **kwargs):
            BOOK.note("sampler")
            return self.create_sampler(*args, **kwargs)

        decoder.forward = forward
        self.create_sampler = sd_samplers.create_sampler
        sd_samplers.create_sampler = create_sampler

    def postprocess(self, p, processed, is_enabled=False):
        if is_enabled:
            del shared.sd_model.vae.decoder.forward
            sd_samplers.create_sampler = self.create_sampler


class Regions(AlwaysThere):
    """Stands in the place of each cross attention's forward, and of every linear layer's, for one picture."""

    name_shown = "Others: regions"

    def process(self, p, is_enabled=False):
        if not is_enabled:
            return
        self.modules = [one for name, one in shared.sd_model.unet.named_modules() if name.endswith("attn2")]
        BOOK.note(f"regions in {len(self.modules)} modules")
        for module in self.modules:
            module.forward = self.standing_for(module.forward)
        self.linear = linear = torch.nn.Linear.forward

        def forward(module, *args, **kwargs):
            return linear(module, *args, **kwargs)

        torch.nn.Linear.forward = forward

    def standing_for(self, own):
        def forward(*args, **kwargs):
            BOOK.note("region")
            return own(*args, **kwargs)

        return forward

    def postprocess(self, p, processed, is_enabled=False):
        if is_enabled:
            for module in self.modules:
                del module.forward
            torch.nn.Linear.forward = self.linear


class Frames(scripts_manager.Script):
    """Says how many frames come, and makes each with a prompt of its own."""

    def title(self):
        return "Others: frames"

    def show(self, is_img2img):
        return True

    def ui(self, is_img2img):
        return []

    def run(self, p, *args):
        processing.fix_seed(p)
        prompts = [f"{p.prompt} {word}" for word in ("low", "wide")]
        shared.state.job_count = len(prompts)
        images, infotexts = [], []
        for prompt in prompts:
            if shared.state.interrupted:
                break
            p.prompt, p.all_prompts, p.all_seeds = prompt, None, None
            processed = processing.process_images(p)
            images += processed.images
            infotexts += processed.infotexts
        return processing.get_processed(p, images, p.seed, "", infotexts=infotexts)
