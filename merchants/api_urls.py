from django.urls import path

from merchants.api import posts

urlpatterns = [
    path("staff/posts/", posts.PostsView.as_view(), name="api_posts"),
]
