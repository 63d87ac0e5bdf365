"""The plain arithmetic of the recommendation, on numbers one can check by hand."""

import json
import math
import os
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from providers.creators.recommendation.choice import Choice, fit_weights
from providers.creators.recommendation.evaluation.diners import Diners
from providers.creators.recommendation.evaluation.measures import quality_of, rank_of
from providers.creators.recommendation.evaluation.model import learn
from providers.creators.recommendation.evaluation.protocol import leave_one_out
from providers.creators.recommendation.evaluation.town import Distances, Known, Question
from providers.creators.recommendation.nearness import familiarity, kilometres, middle_of, nearness
from providers.creators.recommendation.taste import Choices, taste

DATA = Path(os.environ.get("TONGDAO_SHARED_DATA", settings.ROOT.parent / "shared" / "data")) / "recommend"


def test_distances_and_what_they_are_worth():
    """A degree of latitude is 111 km; a far trip moves nobody's home; nearer is worth more, far away is worth little."""
    assert kilometres((121.47, 31.0), (121.47, 32.0)) == pytest.approx(111.19, abs=0.01)
    assert middle_of([(1.0, 5.0), (2.0, 6.0), (90.0, 7.0)]) == (2.0, 6.0)
    assert middle_of([]) is None
    assert nearness(0.5) > nearness(1.0) > nearness(20.0)
    assert familiarity([0.0, 1000.0], reach_km=1.0) == pytest.approx(math.log(0.5 + 0.001))
    assert familiarity([], reach_km=1.0) == pytest.approx(math.log(0.001))


def test_a_walk_goes_over_those_who_chose_the_same():
    """From tea over Li (who chose tea and cake) and Wang (tea, hotpot, gym): a half for Li's cake, a third for each of Wang's."""
    choices = Choices({"me": ["tea"], "li": ["tea", "cake"], "wang": ["tea", "hotpot", "gym"]})
    walked = choices.walk("me")
    assert walked["cake"] == pytest.approx(1 / 3 / 2)
    assert walked["gym"] == walked["hotpot"] == pytest.approx(1 / 3 / 3)
    assert "spa" not in walked
    assert choices.walk("li", without="cake").keys() == {"tea", "hotpot", "gym"}
    assert choices.walk("nobody") == {}
    # what everybody chooses is worth less at the same walk
    assert taste(0.2, 100, damping=0.5) < taste(0.2, 4, damping=0.5)


def test_weights_are_the_most_likely_ones():
    """Chosen three times of four against the other: odds of 3, so a weight of ln 3; a signal that never differs counts nothing."""
    ahead = Choice((1.0, 7.0), [(0.0, 7.0)])
    behind = Choice((0.0, 7.0), [(1.0, 7.0)])
    fit = fit_weights([ahead] * 300 + [behind] * 100, ridge=1e-9)
    assert fit.weights[0] == pytest.approx(math.log(3), abs=1e-4)
    assert fit.weights[1] == pytest.approx(0.0, abs=1e-6)
    assert fit.log_likelihood == pytest.approx(300 * math.log(0.75) + 100 * math.log(0.25))


def test_equals_stand_in_the_middle():
    """A model that says the same of everything gets no answer by the order of a file."""
    assert rank_of("a", {name: 0.0 for name in "abcde"}) == 3
    assert rank_of("a", {"a": 2.0, "b": 3.0, "c": 1.0}) == 2
    quality = quality_of([1, 3, 11])
    assert quality.recall_at_10 == pytest.approx(2 / 3)
    assert quality.ndcg_at_10 == pytest.approx((1 + 0.5) / 3)


def _two_quarters() -> Diners:
    """Twelve diners of the west eat in the west, twelve of the east in the east; each misses one of its quarter's places."""
    places = {
        f"{side}{number:02}": (x + number / 1000, 31.0)
        for side, x in (("w", 121.0), ("e", 122.0))
        for number in range(12)
    }
    ratings = {
        f"{side}-diner{diner:02}": {f"{side}{(diner + step) % 12:02}": 2 for step in range(4)}
        for side in "we"
        for diner in range(12)
    }
    return Diners(ratings=ratings, places=places, stated={}, cooked={})


def test_an_answer_has_no_hand_in_what_answers_it():
    """Whether the asked diner rated his answer or not, its scores are the same: it was left out of everything."""
    diners = _two_quarters()
    question = Question("w-diner00", "w03")
    known = Known(diners, Distances(diners.places), diners.ratings)
    model = learn(known.only(name for name in diners.ratings if name != "w-diner00"), seed=1)
    gone = {**diners.ratings, "w-diner00": {place: 2 for place in ("w00", "w01", "w02")}}
    without = Known(diners, known.distances, gone)
    hidden = model(known, question)
    assert hidden == pytest.approx(model(without, Question("w-diner00", "w03", hidden=False)))
    assert sorted(hidden, key=hidden.__getitem__)[-1].startswith("w")


def test_what_can_be_known_is_found_in_any_split():
    """Twenty-four candidates, eight of the own quarter: whoever knows the quarter finds all, on any seed."""
    for seed in (1, 2):
        outcome = leave_one_out(_two_quarters(), seed=seed)
        assert (outcome.questions, outcome.quality.recall_at_10) == (96, 1.0)
        assert outcome.baselines["random"].recall_at_10 < 0.7


def test_unreadable_data_is_refused_in_one_sentence(tmp_path, capsys):
    (tmp_path / "rating_final.csv").write_text("userID,placeID,rating\nU1,P1,3\n")
    with pytest.raises(SystemExit) as left:
        call_command("evaluate_recommendation", data=tmp_path)
    assert left.value.code == 2
    assert capsys.readouterr().err == "rating_final.csv: a rating is '3', not 0, 1 or 2.\n"


@pytest.mark.skipif(not DATA.is_dir(), reason="the ratings are not ours to ship")
def test_real_diners_are_understood_better_than_by_distance(capsys):
    """The bars of the product on 486 real questions, on another seed than the default."""
    call_command("evaluate_recommendation", data=DATA, seed=7, json=True)
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["questions"] == 486
    assert report["recall_at_10"] >= 0.63
    assert report["ndcg_at_10"] >= 0.34
    nearest = report["baselines"]["nearest"]
    assert (round(nearest["recall_at_10"], 3), round(nearest["ndcg_at_10"], 3)) == (0.566, 0.298)
    assert report["held_out"]["recall_at_10"] > report["held_out"]["baselines"]["nearest"]["recall_at_10"]
