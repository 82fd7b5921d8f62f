"""The description of the interface is one, and says what the server does."""

import json

import pytest

jsonschema = pytest.importorskip("jsonschema")
openapi_spec_validator = pytest.importorskip("openapi_spec_validator")


@pytest.fixture(scope="module")
def description(server):
    return server.get("/openapi.json").json


@pytest.fixture(scope="module")
def fits(description):
    """Check an answer against what is said of the operation and status."""

    def check(answer, path, method="get"):
        responses = description["paths"][path][method]["responses"]
        said = responses[str(answer.status)]
        if "$ref" in said:
            said = description["components"]["responses"][said["$ref"].split("/")[-1]]
        (kind, content), *_ = said["content"].items()
        assert answer.headers["content-type"] == kind
        # Within the whole, so that its references lead somewhere.
        schema = {**description, **content["schema"]}
        jsonschema.Draft202012Validator(schema).validate(answer.json)

    return check


def test_it_is_valid_openapi(description):
    openapi_spec_validator.validate(description)


def test_it_describes_every_address_of_the_interface(description, server):
    assert set(description["paths"]) == {"/predict", "/model", "/health"}
    for path, operations in description["paths"].items():
        for method in operations:
            assert server.ask(method.upper(), path).status not in (404, 405)


def test_answers_are_as_described(server, fits, colour_folder):
    picture = colour_folder / "test" / "red" / "00.png"
    fits(server.get("/health"), "/health")
    fits(server.get("/model"), "/model")
    for query in ("", "?top=1", "?thumbnail=true&activation=true"):
        answer = server.predict(picture, ("a.txt", b"no picture"), query=query)
        assert answer.status == 200
        fits(answer, "/predict", "post")


def test_errors_are_as_described(server, fits):
    answers = {
        413: server.predict(("a", bytes(5 * 2**20))),
        415: server.ask("POST", "/predict", b"", {"content-type": "text/plain"}),
        422: server.predict(),
        403: server.ask("POST", "/predict", b"", {"host": "evil.example"}),
    }
    for status, answer in answers.items():
        assert answer.status == status
        fits(answer, "/predict", "post")


def test_what_it_says_is_sent_is_taken(server, description, colour_folder):
    from base64 import b64encode

    content = (colour_folder / "test" / "red" / "00.png").read_bytes()
    sent = {"pictures": [{"name": "a.png", "content": b64encode(content).decode()}]}
    body = description["paths"]["/predict"]["post"]["requestBody"]["content"]
    schema = {**description, **body["application/json"]["schema"]}
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(sent)
    assert server.predict_json(sent).status == 200
    for wrong in ({"pictures": ["/etc/passwd"]}, {"pictures": []}, {"paths": []}):
        assert not validator.is_valid(wrong)
        assert server.predict_json(wrong).status == 422


def test_its_limits_are_those_of_the_server(description):
    text = json.dumps(description)
    assert f"{4 * 2**20:,} bytes" in text
    schemas = description["components"]["schemas"]
    assert schemas["Pictures"]["properties"]["pictures"]["maxItems"] == 20
