"""The language of the house: frozen values that every room shares. No behaviour beyond their own
consistency.

Units, everywhere: amounts are integers in base units (wei, satoshi, sun); chain times and
our own clock are Unix seconds UTC (int); what an interval counts is its Axis (axis.py).
"""

from monitor.model.alert import Alert, AlertKind, Lane
from monitor.model.axis import Axis, Head
from monitor.model.config import (
    CONFIDENCES,
    REBASES,
    Asset,
    Chain,
    ChannelConfig,
    Issuer,
    Only,
    PriceIds,
    SourceConfig,
    Way,
)
from monitor.model.reading import Ask, Batch, Gap, Interval, Lookup, Price
from monitor.model.transfer import (
    ISSUER,
    LIVE_STATUSES,
    OPEN_STATUSES,
    UINT256_MAX,
    FarEnd,
    Kind,
    Row,
    Status,
    TokenFacts,
    Transfer,
    account_leg,
)
from monitor.model.views import (
    OURS,
    AlertView,
    DeliveryView,
    Inline,
    Known,
    Outgoing,
    Rendered,
    TransferView,
)
from monitor.model.watch import (
    Baseline,
    Direction,
    Entry,
    Kin,
    Origin,
    Planned,
    Severity,
    Subject,
    Watched,
)

__all__ = [
    "CONFIDENCES",
    "ISSUER",
    "LIVE_STATUSES",
    "OPEN_STATUSES",
    "OURS",
    "REBASES",
    "UINT256_MAX",
    "Alert",
    "AlertKind",
    "AlertView",
    "Ask",
    "Asset",
    "Axis",
    "Baseline",
    "Batch",
    "Chain",
    "ChannelConfig",
    "DeliveryView",
    "Direction",
    "Entry",
    "FarEnd",
    "Gap",
    "Head",
    "Inline",
    "Interval",
    "Issuer",
    "Kin",
    "Kind",
    "Known",
    "Lane",
    "Lookup",
    "Only",
    "Origin",
    "Outgoing",
    "Planned",
    "Price",
    "PriceIds",
    "Rendered",
    "Row",
    "Severity",
    "SourceConfig",
    "Status",
    "Subject",
    "TokenFacts",
    "Transfer",
    "TransferView",
    "Watched",
    "Way",
    "account_leg",
]
