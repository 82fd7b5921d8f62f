"""The training itself: a schedule over time, one step, and what is kept of a run."""

import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tools.distill import teacher as teachers
from tools.distill.crops import Crops, crop_loader
from tools.distill.probe import Probe
from tools.distill.student import N_FEATURES, STAGE_CHANNELS, Student
from tools.distill.teacher import load_teacher

_REPORT_SECONDS = 30.0
_KEEP_SECONDS = 120.0


@dataclass(frozen=True)
class Settings:
    """What a run is made with; a checkpoint keeps them.

    Attributes
    ----------
    minutes : float
        Time that is spent on training steps, over all resumptions.
    teacher : {"lite0", "lite2"}
        Whose features and logits are learned.
    crop_size : int
        Height and width of what the teacher sees, in pixels.
    sizes : tuple of (int, float)
        Height and width of what the student sees, and the share of the time until
        which it does.
    batch_size : int
        Crops a step.
    learning_rate : float
        Its height after the warm-up; one half cycle of a cosine takes it to zero.
    weight_decay : float
        Of the kernels, as AdamW has it (Loshchilov and Hutter, 2019).
    temperature : float
        Divides the logits of both before the softmax (Hinton et al., 2015).
    feature_weight : float
        Weight of the squared errors of features and maps, each standardised by
        channel, beside the divergence of the logits.
    seed : int
        Decides the crops and the first weights.
    """

    minutes: float
    teacher: str = "lite0"
    crop_size: int = 128
    sizes: tuple[tuple[int, float], ...] = ((64, 0.62), (96, 0.9), (128, 1.0))
    batch_size: int = 64
    learning_rate: float = 0.001
    weight_decay: float = 0.05
    temperature: float = 4.0
    feature_weight: float = 20.0
    seed: int = 0


class Run:
    """A training that can be stopped at any moment and go on, here or elsewhere."""

    def __init__(self, settings: Settings, pictures: Path, device: torch.device):
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.pictures = pictures
        self.device = device
        self.teacher = load_teacher(settings.teacher).to(device)
        self.teacher.network.to(torch.bfloat16, memory_format=torch.channels_last)
        self.student = Student().to(device, memory_format=torch.channels_last)
        self.to_logits = nn.Linear(N_FEATURES, teachers.N_CLASSES).to(device)
        self.to_features = nn.Linear(N_FEATURES, teachers.N_FEATURES).to(device)
        self.to_maps = nn.ModuleList(
            nn.Conv2d(own, wanted, 1)
            for own, wanted in zip(
                STAGE_CHANNELS, self.teacher.map_channels, strict=True
            )
        ).to(device)
        self.optimizer = _optimizer(settings, self._networks())
        # Mean and deviation of the teacher's features, then of each map's channels.
        self.scales: list[Tensor] = []
        self.steps = 0
        self.seconds = 0.0
        self.last = (math.nan,) * 3

    def _networks(self) -> list[nn.Module]:
        return [self.student, self.to_logits, self.to_features, self.to_maps]

    @property
    def progress(self) -> float:
        """Share of the time that is spent."""
        return min(1.0, self.seconds / (60 * self.settings.minutes))

    @property
    def size(self) -> int:
        """Height and width of what the student sees now."""
        return next(
            size for size, until in self.settings.sizes if self.progress <= until
        )

    def state(self) -> dict[str, Any]:
        """Return all that is needed to go on."""
        return {
            "settings": asdict(self.settings),
            "steps": self.steps,
            "seconds": self.seconds,
            "networks": [network.state_dict() for network in self._networks()],
            "optimizer": self.optimizer.state_dict(),
            "scales": self.scales,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state, whichever device it was kept on."""
        self.start_from(state)
        self.seconds = state["seconds"]

    def start_from(self, state: dict[str, Any]) -> None:
        """Begin a schedule of its own with what another run has learned.

        Raises
        ------
        ValueError
            If that run had another teacher.
        """
        kept = settings_of(state)
        if kept.teacher != self.settings.teacher:
            raise ValueError(
                f"The checkpoint learned from {kept.teacher!r} and cannot go on with "
                f"{self.settings.teacher!r}."
            )
        for network, kept in zip(self._networks(), state["networks"], strict=True):
            network.load_state_dict(kept)
        self.optimizer.load_state_dict(state["optimizer"])
        self.scales = [scale.to(self.device) for scale in state["scales"]]
        self.steps = state["steps"]  # so the crops to come are other ones

    def batches(self) -> Iterator[Tensor]:
        """Return the crops from the next step on, as float32 on the device."""
        crops = Crops(
            self.pictures,
            batch_size=self.settings.batch_size,
            size=self.settings.crop_size,
            first=self.steps,
            seed=self.settings.seed,
        )
        for batch in crop_loader(crops):
            moved = batch.to(self.device, torch.float32, non_blocking=True)
            yield moved.contiguous(memory_format=torch.channels_last)

    def measure_teacher(self, batches: Iterable[Tensor], n: int = 20) -> None:
        """Take mean and deviation of what the teacher puts out, channel by channel."""
        seen = [self.teacher(batch) for batch in itertools.islice(batches, n)]
        outputs = [torch.cat([one.features for one in seen])]
        for maps in zip(*(one.maps for one in seen), strict=True):
            outputs.append(torch.cat([m.movedim(1, -1).flatten(0, 2) for m in maps]))
        self.scales = [torch.stack([o.mean(0), o.std(0) + 1e-3]) for o in outputs]

    def step(self, crops: Tensor) -> None:
        """Learn from one batch; ``last`` has the parts of its loss."""
        settings = self.settings
        for group in self.optimizer.param_groups:
            group["lr"] = settings.learning_rate * _height(self.progress, self.steps)
        seen = self.teacher(crops)
        with torch.autocast(self.device.type, torch.bfloat16):
            maps = self.student.train().maps(_resized(crops, self.size))
            rows = maps[-1].mean((2, 3))
            logits, features = self.to_logits(rows), self.to_features(rows)
            own_maps = [to(m) for to, m in zip(self.to_maps, maps, strict=True)]
        t = settings.temperature
        divergence = t**2 * functional.kl_div(
            functional.log_softmax(logits.float() / t, 1),
            functional.log_softmax(seen.logits / t, 1),
            log_target=True,
            reduction="batchmean",
        )
        error = functional.mse_loss(
            features.float(), _standardised(seen.features, self.scales[0])
        )
        map_error = sum(
            functional.mse_loss(
                own.float(),
                functional.adaptive_avg_pool2d(
                    _standardised(wanted, scale[..., None, None]), own.shape[2:]
                ),
            )
            for own, wanted, scale in zip(
                own_maps, seen.maps, self.scales[1:], strict=True
            )
        )
        loss = divergence + settings.feature_weight * (error + map_error)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.steps += 1
        self.last = (divergence.item(), error.item(), map_error.item())
        if not math.isfinite(sum(self.last)):
            raise FloatingPointError(
                f"The parts of the loss are {self.last} at step {self.steps}. "
                "The last checkpoint is from before: start again from it, or anew "
                "with a lower learning rate."
            )


def _resized(crops: Tensor, size: int) -> Tensor:
    """Return the crops in the size that the student sees."""
    if crops.shape[-1] == size:
        return crops
    smaller = functional.interpolate(crops, size=size, mode="bilinear", antialias=True)
    return smaller.contiguous(memory_format=torch.channels_last)


def _standardised(values: Tensor, scale: Tensor) -> Tensor:
    """Return values with mean 0 and deviation 1 in each channel."""
    standardised: Tensor = (values - scale[0]) / scale[1]
    return standardised


def _optimizer(settings: Settings, networks: list[nn.Module]) -> torch.optim.Optimizer:
    """Return AdamW, which decays kernels but neither biases nor normalisations."""
    parameters = [p for network in networks for p in network.parameters()]
    return torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.ndim > 1]},
            {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0},
        ],
        settings.learning_rate,
        betas=(0.9, 0.99),
        weight_decay=settings.weight_decay,
        fused=True,
    )


def _height(progress: float, steps: int, warm_up: int = 100) -> float:
    """Return the share of the full learning rate at this point."""
    return min(1.0, (steps + 1) / warm_up) * (1 + math.cos(math.pi * progress)) / 2


def settings_of(state: dict[str, Any]) -> Settings:
    """Return the settings that a kept run began with."""
    return Settings(**state["settings"])


def train(
    run: Run,
    probes: list[Probe],
    keep: Callable[[dict[str, Any]], object],
    probe_minutes: float,
) -> None:
    """Take steps until the time is spent, printing loss, speed and accuracies.

    Parameters
    ----------
    keep : callable
        Gets the run's state every two minutes and at the end.
    """
    if run.steps == 0:
        run.measure_teacher(run.batches())  # the first step still gets the first batch
    batches = run.batches()
    reported = probed = kept = run.seconds
    parts: list[tuple[float, ...]] = []
    while run.progress < 1:
        start = time.perf_counter()
        run.step(next(batches))
        run.seconds += time.perf_counter() - start
        parts.append(run.last)
        if run.seconds - reported > _REPORT_SECONDS:
            speed = len(parts) * run.settings.batch_size / (run.seconds - reported)
            divergence, error, map_error = (
                sum(part) / len(parts) for part in zip(*parts, strict=True)
            )
            print(
                f"{run.seconds / 60:6.1f} min  step {run.steps:6}  {run.size:3} px  "
                f"divergence {divergence:6.3f}  errors of features {error:5.3f} and "
                f"maps {map_error:5.3f}  {speed:6.1f} crops/s",
                flush=True,
            )
            reported, parts = run.seconds, []
        if run.seconds - kept > _KEEP_SECONDS:
            keep(run.state())
            kept = run.seconds
        if run.seconds - probed > 60 * probe_minutes:
            report_probes(run, probes)
            probed = run.seconds
    keep(run.state())


def settle_statistics(run: Run, n_batches: int = 50) -> None:
    """Take the normalisations' statistics anew, over many crops of the probes' size.

    While training they are a mean over the last few steps, of weights that moved on.
    """
    norms = [unit.norm for unit in run.student.units()]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean
    run.student.train()
    with torch.no_grad(), torch.autocast(run.device.type, torch.bfloat16):
        for crops in itertools.islice(run.batches(), n_batches):
            run.student(crops)
    for norm in norms:
        norm.momentum = 0.1
    run.student.eval()


@torch.no_grad()
def settle_scale(run: Run, n_batches: int = 10) -> None:
    """Bring the features to a deviation of one half, the mean over all of them.

    The training leaves them at any scale, and weight decay at a small one, on which a
    classifier that is trained by plain gradient descent would hardly start.
    """
    student = run.student.eval()
    rows = [student(crops) for crops in itertools.islice(run.batches(), n_batches)]
    student.scale_features(0.5 / torch.cat(rows).std(0).mean().item())


def report_probes(run: Run, probes: list[Probe]) -> None:
    """Print how good the features are now."""
    run.student.eval()

    def features(pixels: Tensor) -> Tensor:
        with torch.autocast(run.device.type, torch.bfloat16):
            rows: Tensor = run.student(pixels)
        return rows

    for probe in probes:
        accuracy = probe.accuracy(features, run.device)
        print(f"        {probe.name}: accuracy {accuracy:.3f}", flush=True)
