"""The paths of the OpenAPI document, with what each operation takes and answers."""

from digits.admission.keys import Scope
from digits.web import examples, openapi_inference
from digits.web.openapi_parts import (
    CORRECTION,
    HISTORY,
    IDEMPOTENCY,
    IF_NONE_MATCH,
    OLDER,
    PICTURE,
    PIXELES,
    PIXELES_ERROR,
    PREDICT,
    PREDICT_ERROR,
    PREDICTION,
    PROBLEM_KIND,
    READY,
    RECOGNISE,
    SERVER,
    SIGNATURE,
    TEXT,
    Part,
    answer,
    fields,
    file,
    operation,
    queries,
    typed,
)
from digits.web.queries import AnswerQuery, DeletionQuery, HistoryQuery, UploadQuery


def paths() -> Part:
    """Every path with its operations."""
    return _uploads() | _server() | openapi_inference.paths() | _older_clients()


def _uploads() -> Part:
    taken = "Milliseconds that its stages took: decode, find, infer, explain, store"
    return {
        "/uploads": {
            "post": operation(
                "recognise",
                RECOGNISE,
                "Recognise one picture, or several",
                {
                    "201": answer(
                        "UploadAnswer",
                        "Recognised and kept",
                        examples.UPLOAD,
                        Location="The URL of the upload",
                        Server_Timing=taken,
                    ),
                    "200": answer(
                        "RecognitionAnswer", "Recognised, not kept", examples.RECOGNITION, Server_Timing=taken
                    ),
                    "207": answer(
                        "UploadsResults",
                        "Several pictures, each with its result",
                        examples.RESULTS,
                        Server_Timing=taken,
                    ),
                },
                (400, 408, 413, 415, 422, 503, 507),
                parameters=[*queries(UploadQuery), IDEMPOTENCY],
                body=PICTURE,
                scope=Scope.RECOGNISE,
            ),
            "get": operation(
                "listUploads",
                HISTORY,
                "List the uploads, newest first or those first that were least sure",
                {"200": answer("UploadsAnswer", "A page of them", examples.UPLOADS)},
                (400, 503),
                parameters=queries(HistoryQuery),
                scope=Scope.READ,
            ),
            "delete": operation(
                "deleteUploads",
                HISTORY,
                "Delete all uploads that arrived before some time",
                {"200": answer("DeletionAnswer", "They are deleted", {"deleted": 12})},
                (400, 503),
                parameters=queries(DeletionQuery),
                scope=Scope.WRITE,
            ),
        },
        "/uploads/{id}": {
            "get": operation(
                "getUpload",
                HISTORY,
                "Get one upload",
                {"200": answer("UploadAnswer", "The upload", examples.UPLOAD)},
                (400, 404, 503),
                parameters=queries(AnswerQuery),
                scope=Scope.READ,
            ),
            "patch": operation(
                "correctUpload",
                HISTORY,
                "Say what is written there",
                {"200": answer("UploadAnswer", "The upload, corrected", examples.LABELLED)},
                (400, 404, 408, 413, 503, 507),
                body=CORRECTION,
                scope=Scope.WRITE,
            ),
            "delete": operation(
                "deleteUpload",
                HISTORY,
                "Delete an upload",
                {"204": {"description": "Deleted"}},
                (404, 503),
                scope=Scope.WRITE,
            ),
        },
        "/uploads/{id}/image": {
            "get": operation(
                "getImage",
                HISTORY,
                "Get the picture as it was sent",
                {
                    "200": file("image/*", "The picture"),
                    "304": {"description": "The caller has it"},
                },
                (404, 503),
                parameters=[IF_NONE_MATCH, *SIGNATURE],
                scope=Scope.READ,
            )
        },
        "/uploads/{id}/preview.png": {
            "get": operation(
                "getPreview",
                HISTORY,
                "Get the digits as the model sees them",
                {"200": file("image/png", "Its digits side by side, each of 28x28 pixels")},
                (404, 413, 415, 422, 503),
                parameters=SIGNATURE,
                scope=Scope.READ,
            )
        },
        "/uploads/{id}/explanation.png": {
            "get": operation(
                "getExplanation",
                HISTORY,
                "Get the picture, its ink coloured by how much it decided",
                {"200": file("image/png", "The picture, its digits framed")},
                (404, 413, 415, 422, 503),
                parameters=SIGNATURE,
                scope=Scope.READ,
            )
        },
    }


def _server() -> Part:
    kind = {name: examples.PROBLEMS[422][name] for name in ("type", "title", "status")}
    return {
        "/model": {
            "get": operation(
                "getModel",
                SERVER,
                "Get what reads the pictures, and what it accepts",
                {"200": answer("ModelAnswer", "The model and its limits", examples.MODEL)},
                scope=Scope.RECOGNISE,
            )
        },
        "/healthz": {
            "get": operation(
                "isAlive",
                SERVER,
                "Ask whether the process lives",
                {"200": typed("application/json", fields(status=TEXT), "It does", {"status": "alive"})},
            )
        },
        "/readyz": {
            "get": operation(
                "isReady",
                SERVER,
                "Ask whether it can work",
                {"200": typed("application/json", READY, "It can", examples.READY)},
                (503,),
            )
        },
        "/metrics": {
            "get": operation(
                "getMetrics",
                SERVER,
                "Get the metrics of all workers, for Prometheus",
                {"200": file("text/plain", "In Prometheus' text format")},
                scope=Scope.READ,
            )
        },
        "/problems/{slug}": {
            "get": operation(
                "getProblem",
                SERVER,
                "Get what a kind of problem is",
                {"200": typed("application/json", PROBLEM_KIND, "Its title and status", kind)},
                (404,),
            )
        },
        "/docs": {"get": operation("getDocs", SERVER, "Get the documentation", {"200": file("text/html", "A page")})},
        "/openapi.json": {
            "get": operation(
                "getDocument", SERVER, "Get this document", {"200": file("application/json", "This document")}
            )
        },
    }


def _older_clients() -> Part:
    """With the page, since it has the URL of one of them."""
    return {
        "/upload": {
            "post": operation(
                "recogniseForMnistNeuralNetwork",
                OLDER,
                "Recognise one picture; for the Angular client of mnist-neural-network",
                {"200": typed("application/json", TEXT, "The number", "7")},
                (400, 408, 413, 415, 422, 503, 507),
                body=PICTURE,
                scope=Scope.RECOGNISE,
            )
        },
        "/predict": {
            "post": operation(
                "recogniseForMnistClassifier",
                OLDER,
                "Recognise 784 numbers or a data URL, keeping nothing; for two older clients",
                {"200": typed("application/json", PREDICTION, "The number", {"prediction": 47})}
                | dict.fromkeys(("400", "413", "415", "422"), PREDICT_ERROR),
                body=PREDICT,
                scope=Scope.RECOGNISE,
                refusal=PREDICT_ERROR,
            )
        },
        "/": {
            "get": operation("getPage", SERVER, "Get the page to draw on", {"200": file("text/html", "The page")}),
            "post": operation(
                "recogniseForNnNumbers",
                OLDER,
                "Recognise 784 values from 0 to 1, keeping nothing; for the page of NN_numbers",
                {
                    "200": typed("text/plain", TEXT, "The digit", "Prediccion: Siete, Accuracy: 0.98"),
                    "400": PIXELES_ERROR,
                },
                body=PIXELES,
                scope=Scope.RECOGNISE,
                refusal=PIXELES_ERROR,
            ),
        },
    }
