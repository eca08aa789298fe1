"""`serve run digits.ray_serve:app` serves on a Ray cluster, in as many replicas as the waiting requests need.

Each replica is what a worker of `digits serve` is, with the same settings, which all nodes need in their environment.
Their storage and database must be those of all nodes. `digits sweep` must be run once a day, as cron can do it.
"""

from ray import serve

from digits.memory import keep_memory
from digits.server.companions import own_decoders
from digits.settings import Settings
from digits.uploads.shadow import load_shadow
from digits.web.asgi import THREADS, Front, create_front
from digits.web.in_work import InWork
from digits.web.services import prepare

WANTED_REQUESTS = 2 * THREADS
"""In each replica, to be answered or waiting: with more there are more replicas, with fewer there are fewer."""
MOST_REQUESTS = 8 * WANTED_REQUESTS
"""That a replica takes at a time; others wait at the proxy, for a replica that is starting to get them."""
LEAST_REPLICAS, MOST_REPLICAS = 2, 100
"""One goes on while another is replaced; how many there can be at most is up to the cluster."""


def replica() -> Front:
    """Return the ASGI application of a replica."""
    import cv2

    keep_memory()
    cv2.setNumThreads(1)  # Each replica has one CPU.
    settings = Settings.read()
    model = prepare(settings)
    shadow = load_shadow(settings.shadow, model)
    return create_front(settings, model, InWork(), own_decoders(settings.max_pixels), shadow)


app = serve.deployment(
    name="digits",
    ray_actor_options={"num_cpus": 1},
    max_ongoing_requests=MOST_REQUESTS,
    autoscaling_config={
        "min_replicas": LEAST_REPLICAS,
        "max_replicas": MOST_REPLICAS,
        "target_ongoing_requests": WANTED_REQUESTS,
    },
)(serve.ingress(replica)()).bind()
