"""`lrmonitor sizes RUN`: how far steps move the weights of each layer."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lrmonitor.cli import codes, common
from lrmonitor.cli.list import align

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Subparsers
    from lrmonitor.model.step_sizes import StepSizes

_DESCRIPTION = """\
Show how far the optimizer's steps move the weights: the ratio of the update to the weights of each
layer (parameter), |Δw| / |w|, with the lowest and the highest that were seen; and the distribution
of the sizes |Δw| of single weights' steps at the latest sample."""


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "sizes", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    common.add_run(parser)
    parser.add_argument(
        "--optimizer", type=int, metavar="I", help="an optimizer's number (default: the main one)"
    )
    parser.set_defaults(func=sizes)


@common.verb
def sizes(args: argparse.Namespace) -> int:
    """Print them."""
    from lrmonitor.model.step_sizes import StepSizes

    model = common.read_state(common.find_run(args).folder)
    number = model.main if args.optimizer is None else args.optimizer
    if model.optimizers and number not in [o.number for o in model.optimizers]:
        raise common.VerbError(codes.USAGE, f"there is no optimizer {number}")
    found = None
    if model.rank is not None:
        found = StepSizes(model.rank.folder, number)
        found.poll()
    if args.json:
        common.print_json(_json(found, number))
    elif found is None or not len(found.steps):
        common.say("no step was measured yet")
    else:
        _print(found)
    return codes.DONE


def _json(found: StepSizes | None, number: int) -> dict[str, object]:
    latest = None if found is None else found.latest
    layers = [] if found is None else found.layers
    return {
        "optimizer": number,
        "steps": [] if found is None else found.steps.tolist(),
        "layers": [
            {
                "name": name,
                "weights": found.weights[i] or None,
                "ratios": [None if r != r else r for r in found.ratios[:, i].tolist()],
            }
            for i, name in enumerate(layers)
            if found is not None
        ],
        "distribution": None
        if latest is None
        else {
            "step": latest.step,
            "log10_edges": latest.edges.tolist(),
            "shares": latest.shares.tolist(),
            "still": latest.still,
        },
    }


def _print(found: StepSizes) -> None:
    from lrmonitor.model.rates import short

    table: list[tuple[str, ...]] = [("LAYER", "WEIGHTS", "LATEST", "LOWEST", "HIGHEST")]
    for i, name in enumerate(found.layers):
        values = (short(v) if v is not None else "–" for v in found.last_of(i))
        table.append((name, str(found.weights[i] or "–"), *values))
    print(f"|Δw| / |w| by layer, up to step {found.steps[-1]}\n\n{align(table)}")
    latest = found.latest
    if latest is None or not len(latest.shares):
        return
    print(f"\n|Δw| of single weights at step {latest.step}\n")
    most = float(latest.shares.max()) or 1.0
    if latest.still:
        print(f"  {'did not move':>14}  {latest.still:7.2%}")
    for low, share in zip(latest.edges[:-1], latest.shares, strict=True):
        bar = "█" * round(40 * float(share) / most)
        print(f"  {f'from {10**low:.1e}':>14}  {share:7.2%}  {bar}".rstrip())
