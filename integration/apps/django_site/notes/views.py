"""POST /notes stores the body as a note; GET /notes lists the texts of all notes."""

from django.http import HttpResponseNotAllowed, JsonResponse

from .models import Note


def notes(request):
    if request.method == "POST":
        note = Note.objects.create(text=request.body.decode())
        return JsonResponse({"id": note.id}, status=201)
    if request.method == "GET":
        return JsonResponse({"notes": list(Note.objects.values_list("text", flat=True))})
    return HttpResponseNotAllowed(["GET", "POST"])
