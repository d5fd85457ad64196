"""An identity provider, `oidc-provider-mock`, that can be made to lie.

`provider.py` listens on a free port of 127.0.0.1 and prints `{"port": …}`. Besides what the provider has, `PUT /lie` takes a JSON object:
`claims` are put into every ID token (null takes one out), `head` into its header, `key` is `unknown` (a key nobody was told of), `elliptic`
(ES256), `symmetric` (HS256 with the text of the public key as the secret) or `none`, signed as `alg` says; with `silent` the keys are not told.
`GET /asked` is how often somebody asked for them.
PKCE, which the provider leaves unchecked, is checked here (RFC 7636).
"""

import base64
import hashlib
import hmac
import json
import os
import urllib.parse

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import flask
import werkzeug.serving
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry
from oidc_provider_mock import _app

UNKNOWN = RSAKey.generate_key(2048)
ELLIPTIC = ECKey.generate_key("P-256", {"kid": "elliptic", "use": "sig"})
lie = {}
challenges = {}
asked = 0
honest = _app.OpenIDCode.encode_id_token


def unpadded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def part(text):
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def signed(head, claims, key):
    told = ".".join(unpadded(json.dumps(part).encode()) for part in (head, claims))
    algorithm = JWSRegistry.algorithms[head["alg"]]
    return f"{told}.{unpadded(algorithm.sign(told.encode(), key))}"


def encode_id_token(self, token, request):
    told = honest(self, token, request)
    if not lie:
        return told
    claims = {**part(told.split(".")[1]), **lie.get("claims", {})}
    claims = {name: value for name, value in claims.items() if value is not None}
    own = RSAKey.import_key(_app.storage.jwk.as_dict(is_private=True))
    head = lie.get("head", {})
    match lie.get("key"):
        case "unknown":
            return signed({"alg": "RS256", **head}, claims, UNKNOWN)
        case "elliptic":
            return signed({"alg": "ES256", "kid": "elliptic", **head}, claims, ELLIPTIC)
        case "symmetric":
            told = ".".join(unpadded(json.dumps(part).encode()) for part in ({"alg": "HS256", **head}, claims))
            return f"{told}.{unpadded(hmac.digest(own.as_pem(private=False), told.encode(), 'sha256'))}"
        case "none":
            return ".".join([unpadded(json.dumps({"alg": lie.get("alg", "none")}).encode()), unpadded(json.dumps(claims).encode()), ""])
        case _:
            return signed({"alg": "RS256", **head}, claims, own)


_app.OpenIDCode.encode_id_token = encode_id_token
app = _app.app(issue_refresh_token=False)
shown = app.view_functions["oidc-provider-mock.jwks"]


def keys():
    global asked
    asked += 1
    if lie.get("silent"):
        return "later", 503
    found = shown().get_json()
    found["keys"].append(ELLIPTIC.as_dict(private=False))
    return flask.jsonify(found)


app.view_functions["oidc-provider-mock.jwks"] = keys


@app.put("/lie")
def tell():
    lie.clear()
    lie.update(flask.request.get_json())
    return "", 204


@app.get("/asked")
def count():
    return flask.jsonify(asked)


@app.before_request
def proved():
    if flask.request.path != "/oauth2/token":
        return None
    proof = unpadded(hashlib.sha256(flask.request.form.get("code_verifier", "").encode()).digest())
    if challenges.get(flask.request.form.get("code")) == proof:
        return None
    return flask.jsonify({"error": "invalid_grant"}), 400


@app.after_request
def remembered(response):
    query = urllib.parse.parse_qs(urllib.parse.urlparse(response.headers.get("Location", "")).query)
    if flask.request.path == "/oauth2/authorize" and "code" in query and flask.request.args.get("code_challenge_method") == "S256":
        challenges[query["code"][0]] = flask.request.args["code_challenge"]
    return response


server = werkzeug.serving.make_server("127.0.0.1", 0, app, threaded=True)
print(json.dumps({"port": server.server_port}), flush=True)
server.serve_forever()
