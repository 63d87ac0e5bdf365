"""Creators' pages under /c/, the merchant's tasks under /m/<slug>/tasks/."""

from django.urls import path

from providers.creators.views import answers, attribution, board, claims, profile, recommended, tasks

OWN = "c/claims/<int:claim_id>/"
TASKS = "m/<slug:slug>/tasks/"
ONE = f"{TASKS}<int:task_id>/"

urlpatterns = [
    path("c/", board.creator_board, name="creator_board"),
    path("c/join/", profile.creator_join, name="creator_join"),
    path("c/profile/", profile.creator_profile, name="creator_profile"),
    path("c/tasks/<int:task_id>/", board.creator_task, name="creator_task"),
    path("c/tasks/<int:task_id>/claim/", board.creator_task_claim, name="creator_task_claim"),
    path("c/tasks/<int:task_id>/hide/", recommended.creator_task_hide, name="creator_task_hide"),
    path("c/tasks/<int:task_id>/show/", recommended.creator_task_show, name="creator_task_show"),
    path("c/interests/", recommended.creator_interests, name="creator_interests"),
    path("c/claims/", claims.creator_claims, name="creator_claims"),
    path(OWN, claims.creator_claim, name="creator_claim"),
    path(f"{OWN}visit/", claims.creator_claim_visit, name="creator_claim_visit"),
    path(f"{OWN}submit/", claims.creator_claim_submit, name="creator_claim_submit"),
    path(f"{OWN}quit/", claims.creator_claim_quit, name="creator_claim_quit"),
    path(TASKS, tasks.tasks, name="creator_tasks"),
    path(f"{TASKS}new/", tasks.task_new, name="creator_task_new"),
    path(ONE, tasks.task_detail, name="creator_task_detail"),
    path(f"{ONE}edit/", tasks.task_edit, name="creator_task_edit"),
    path(f"{ONE}open/", tasks.task_open, name="creator_task_open"),
    path(f"{ONE}extend/", tasks.task_extend, name="creator_task_extend"),
    path(f"{ONE}end/", tasks.task_end, name="creator_task_end"),
    path(f"{ONE}claims/<int:claim_id>/<str:step>/", answers.claim_answer, name="creator_claim_answer"),
    path(
        "m/<slug:slug>/orders/<int:order_id>/attribution/",
        attribution.order_attribution,
        name="order_attribution",
    ),
]
