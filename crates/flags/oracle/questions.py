"""Random flags and contexts, the same for the same seed: rules as people write them."""

import random

VARIANTS = ["red", "green", "blue", "true", "false"]
TEXTS = ["acme", "globex", "initech", "gold", "silver", "eu-west", "us-east", "", "a", "ann@acme.example"]
VERSIONS = ["1.0.0", "1.2.3", "v1.2.4", "2.0.0-rc.1", "2.0.0", "2.1", "3", "10.0.1+7"]
RELATIONS = ["=", "!=", "<", "<=", ">", ">=", "^", "~"]


class Questions:
    def __init__(self, seed: int, hash_version: int) -> None:
        self.random = random.Random(seed)
        self.hash_version = hash_version

    def pick(self, choices):
        return self.random.choice(choices)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def context(self) -> dict:
        context = {
            "tenant": self.pick(TEXTS[:3]),
            "plan": self.pick(TEXTS[3:5]),
            "seats": self.random.randint(0, 20),
            "beta": self.chance(0.5),
            "version": self.pick(VERSIONS),
            "email": self.pick(TEXTS),
            "customer": {"region": self.pick(TEXTS[5:7]), "age": self.random.randint(0, 9)},
            "groups": [self.pick(TEXTS[:7]) for _ in range(self.random.randint(0, 3))],
            "orders": [{"total": self.random.randint(0, 50), "open": self.chance(0.5)} for _ in range(self.random.randint(0, 3))],
        }
        for name in list(context):
            if self.chance(0.12):
                del context[name]
        if self.chance(0.9):
            context["targetingKey"] = f"user-{self.random.randint(0, 400)}"
        return context

    def text(self):
        return {"var": self.pick(["tenant", "plan", "email", "customer.region", "groups.0"])}

    def number(self):
        choice = self.random.random()
        if choice < 0.5:
            return {"var": [self.pick(["seats", "customer.age", "orders.0.total"]), self.random.randint(0, 9)]}
        if choice < 0.7:
            return self.random.randint(-5, 20)
        first = {"var": ["seats", 1]}
        return {self.pick(["+", "-", "*", "max", "min"]): [first, self.random.randint(1, 9)]}

    def condition(self, depth: int):
        if depth > 0 and self.chance(0.35):
            inner = [self.condition(depth - 1) for _ in range(self.random.randint(1, 3))]
            return self.pick([{"and": inner}, {"or": inner}, {"!": [inner[0]]}, {"!!": [inner[0]]}])
        makers = [
            lambda: {self.pick(["==", "!=", "===", "!=="]): [self.text(), self.pick(TEXTS[:7])]},
            lambda: {self.pick(["==", "!=", "<", "<=", ">", ">="]): [self.number(), self.number()]},
            lambda: {self.pick(["<", "<="]): [self.random.randint(0, 5), self.number(), self.random.randint(5, 20)]},
            lambda: {"in": [self.text(), self.random.sample(TEXTS, self.random.randint(0, 4))]},
            lambda: {"in": [self.pick(["a", "ac", "@"]), {"var": ["email", "none"]}]},
            lambda: {"in": [self.pick(TEXTS), {"var": "groups"}]},
            lambda: {self.pick(["starts_with", "ends_with"]): [self.text(), self.pick(["a", "ac", "e", "example"])]},
            lambda: {"sem_ver": [{"var": "version"}, self.pick(RELATIONS), self.pick(VERSIONS)]},
            lambda: {"var": self.pick(["beta", "customer.age", "groups", "orders"])},
            lambda: {self.pick(["some", "none", "all"]): [{"var": ["orders", []]}, {">": [{"var": "total"}, self.random.randint(0, 40)]}]},
            lambda: {"missing": [self.pick(["tenant", "customer.region", "version"])]},
            lambda: {"missing_some": [1, ["tenant", "plan"]]},
            lambda: {">": [{"reduce": [{"var": ["orders", []]}, {"+": [{"var": "accumulator"}, {"var": "current.total"}]}, 0]}, 30]},
            lambda: {"==": [{"cat": [{"var": ["tenant", ""]}, "/", {"var": ["plan", ""]}]}, "acme/gold"]},
            lambda: {"==": [{"substr": [{"var": ["tenant", ""]}, 0, 2]}, "ac"]},
            lambda: {"in": ["gold", {"merge": [{"var": ["groups", []]}, ["silver"]]}]},
            lambda: {"filter": [{"var": ["orders", []]}, {"==": [{"var": "open"}, True]}]},
            lambda: {"in": ["acme", {"map": [{"var": ["groups", []]}, {"var": ""}]}]},
            lambda: {"==": [{"%": [{"var": ["seats", 1]}, 3]}, 1]},
            lambda: {">": [{"var": "$flagd.timestamp"}, 1]},
            lambda: {"==": [{"var": "$flagd.flagKey"}, "flag-1"]},
            lambda: {"$ref": self.pick(["is-acme", "is-gold-or-acme"])},
        ]
        return self.pick(makers)()

    def fractional(self):
        names = self.random.sample(VARIANTS, self.random.randint(1, 4))
        buckets = [[name, self.random.randint(0, 60)] if self.chance(0.85) else [name] for name in names]
        if self.chance(0.4):
            by = [{"cat": [{"var": "$flagd.flagKey"}, {"var": ["tenant", "none"]}]}, {"var": ["tenant", "none"]}]
            buckets.insert(0, self.pick(by))
        return {"fractional": buckets}

    def result(self, depth: int):
        choice = self.random.random()
        if choice < 0.5 or depth == 0:
            return self.pick(VARIANTS)
        if choice < 0.6:
            return None
        if choice < 0.85:
            return self.fractional()
        return self.rule(depth - 1)

    def rule(self, depth: int):
        branches = []
        for _ in range(self.random.randint(1, 3)):
            branches += [self.condition(2), self.result(depth)]
        if self.chance(0.7):
            branches.append(self.result(depth))
        return {"if": branches}

    def question(self) -> dict:
        key = f"flag-{self.random.randint(0, 3)}"
        flag = {"state": "ENABLED", "variants": {name: place for place, name in enumerate(VARIANTS)}}
        if self.chance(0.05):
            flag["state"] = "DISABLED"
        if self.chance(0.9):
            flag["defaultVariant"] = self.pick(VARIANTS)
        if self.chance(0.95):
            flag["targeting"] = self.rule(2) if self.chance(0.9) else self.pick([{}, self.fractional(), self.condition(1)])
        if self.hash_version != 2:
            flag["metadata"] = {"hashVersion": self.hash_version}
        is_acme = {"==": [{"var": "tenant"}, "acme"]}
        flags = {
            "flags": {key: flag},
            "$evaluators": {
                "is-acme": is_acme,
                "is-gold-or-acme": {"or": [{"==": [{"var": "plan"}, "gold"]}, is_acme]},
            },
        }
        return {"flags": flags, "key": key, "context": self.context(), "now": 1_795_000_000}
