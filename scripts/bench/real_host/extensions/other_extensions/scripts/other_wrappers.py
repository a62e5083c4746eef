"""Test extension for the real SD.Next: wraps what other extensions wrap, and has a queue of its own.

``POST /others/wrap`` and ``/others/unwrap`` put the wrappers in and take them out, ``GET /others/calls``
tells what was called since ``POST /others/forget``, and ``POST /others/queue`` gives the queue a task. When
the host's web application starts, everything is wrapped that can be by then.
"""

import threading

from fastapi import Body
from other_book import BOOK, PLACES, WRAPPERS

#: Its module touches the model when it is loaded, so that no extension wraps it before the first job.
LATE = "process_diffusers"


def run_task(task):
    """Do what extensions with a queue do: a task of the page's kind, under the host's lock."""
    from modules import call_queue, processing, progress, shared

    def make():
        p = processing.StableDiffusionProcessingTxt2Img(
            sd_model=shared.sd_model, prompt="a red circle", seed=1, steps=6, width=256, height=256
        )
        p.do_not_save_samples = True
        return processing.process_images(p).images, "", "", ""

    run = call_queue.wrap_gradio_call(make, extra_outputs=[None, "", ""], add_stats=True)
    with call_queue.queue_lock:
        shared.state.begin()
        progress.start_task(task)
        try:
            run()
        finally:
            progress.finish_task(task)
        shared.state.end()


def on_app_started(demo, app):
    WRAPPERS.app = app
    WRAPPERS.wrap([name for name in PLACES if name != LATE])

    def wrap():
        WRAPPERS.wrap(PLACES)
        return {}

    def unwrap():
        WRAPPERS.unwrap()
        return {}

    def forget():
        BOOK.open_anew()
        return {}

    def queue(request: dict = Body()):
        from modules import progress

        progress.add_task_to_queue(request["task"])
        threading.Thread(target=run_task, args=(request["task"],), daemon=True).start()
        return {}

    app.add_api_route("/others/wrap", wrap, methods=["POST"])
    app.add_api_route("/others/unwrap", unwrap, methods=["POST"])
    app.add_api_route("/others/forget", forget, methods=["POST"])
    app.add_api_route("/others/queue", queue, methods=["POST"])
    app.add_api_route("/others/calls", BOOK.read, methods=["GET"])


def install():
    from modules import script_callbacks

    script_callbacks.on_before_process(lambda p: BOOK.note("on_before_process"))
    script_callbacks.on_after_process(lambda p: BOOK.note("on_after_process"))
    script_callbacks.on_app_started(on_app_started)


install()
