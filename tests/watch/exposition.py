# SPDX-License-Identifier: MIT
"""A strict reader of Prometheus's text format, and what it demands beyond the grammar: HELP and TYPE once before a family's
series, families in one piece, no series twice, histograms that add up, counters called _total and not negative."""
import re
import sys

LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(%s(?:,%s)*)\})? (\+Inf|-?[0-9.]+)" % (LABEL, LABEL))


def read(text):
    """{(name, ((label, value), ...)): number}"""
    assert text.endswith("\n"), "the last line does not end"
    families, samples, order, family = {}, {}, [], None
    for line in text[:-1].split("\n"):
        words = line.split(" ", 3)
        if line.startswith("# HELP "):
            assert len(words) == 4 and words[3], line
            assert words[2] not in families, "HELP twice: " + line
            family = words[2]
            families[family] = None
            continue
        if line.startswith("# TYPE "):
            assert words[2] == family and families[family] is None and len(words) == 4, line
            assert words[3] in ("counter", "gauge", "histogram"), line
            families[family] = words[3]
            continue
        m = SAMPLE.fullmatch(line)
        assert m, "not a sample: %r" % line
        name, labels, number = m.groups()
        kind = families[family]
        bare = re.sub("_(bucket|sum|count)$", "", name) if kind == "histogram" else name
        assert bare == family and kind, "outside its family: " + line
        assert kind != "counter" or name.endswith("_total"), line
        pairs = tuple(re.findall(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"', labels or ""))
        assert len(set(k for k, _ in pairs)) == len(pairs), line
        assert not any(k in ("peer", "remote", "addr", "local") for k, _ in pairs), "a label per peer: " + line
        assert (name, pairs) not in samples, "twice: " + line
        samples[name, pairs] = float(number)
        assert samples[name, pairs] >= 0, line
    for name, kind in families.items():
        assert kind, name + " has no TYPE"
        if kind == "histogram":
            histogram(name, samples)
    return samples


def histogram(name, samples):
    series = {}
    for (n, pairs), v in samples.items():
        if n == name + "_bucket":
            le = dict(pairs)["le"]
            series.setdefault(tuple(p for p in pairs if p[0] != "le"), []).append((float(le), v))
    assert series, name + " is empty"
    for key, buckets in series.items():
        assert buckets == sorted(buckets), (name, key, "bounds do not rise")
        counts = [v for _, v in buckets]
        assert counts == sorted(counts), (name, key, "counts do not rise")
        assert buckets[-1][0] == float("inf"), (name, key, "no +Inf")
        assert samples[name + "_count", key] == counts[-1], (name, key, "count")
        total = samples[name + "_sum", key]
        assert (total == 0) if counts[-1] == 0 else True, (name, key, "sum of nothing")
        assert total <= sum((b if b != float("inf") else 1e12) * (v - w) for (b, v), w in zip(buckets, [0] + counts)) + 1e-9


def check(text):
    samples = read(text)
    try:
        from prometheus_client.parser import text_string_to_metric_families
    except ImportError:
        print("python3-prometheus-client is not installed: only read by our own reader")
        return samples
    other = {}
    for f in text_string_to_metric_families(text):
        for s in f.samples:
            other[s.name, tuple(s.labels.items())] = s.value
    assert other == samples, "prometheus_client reads something else"
    return samples


if __name__ == "__main__":
    print(len(check(open(sys.argv[1], encoding="utf-8").read())), "series")
