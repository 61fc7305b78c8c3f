"""The login surface with wechatpy, unmodified: it calls https://api.weixin.qq.com, which is the simulator here."""

import base64
import hashlib
import hmac
import json
import os
import urllib.request

from wechatpy.client import WeChatClient
from wechatpy.crypto import WeChatWxaCrypto
from wechatpy.exceptions import WeChatClientException

COMMANDS, APP_ID, SECRET = (os.environ[name] for name in ("COMMANDS", "APP_ID", "APP_SECRET"))
passed, failed = 0, []


def command(method, path, body=None):
    """Gives the simulator a command."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(COMMANDS + path, data, method=method)
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)


def check(name, passes):
    """Counts a check."""
    global passed
    passed += bool(passes)
    if not passes:
        failed.append(name)
    print(f"  wechatpy | {name} | {'ok' if passes else 'FAILED'}")


def errcode(call):
    """Returns the error number that the SDK raises, or 0."""
    try:
        call()
        return 0
    except WeChatClientException as error:
        return error.errcode


def sign(key):
    return hmac.new(key.encode(), b"", hashlib.sha256).hexdigest()


client = WeChatClient(APP_ID, SECRET, timeout=10)
mei = command("GET", "/users/mei")
code = command("POST", "/users/mei/login-code")["code"]
session = client.wxa.code_to_session(code)
check("login", session["openid"] == mei["openid"])
check("used code is 40163", errcode(lambda: client.wxa.code_to_session(code)) == 40163)
check("made-up code is 40029", errcode(lambda: client.wxa.code_to_session("x")) == 40029)
token = client.access_token
check("token", len(token) > 100 and client.misc.get_wechat_ips())

command("POST", f"/apps/{APP_ID}/invalidate-access-tokens")
check("healing after a clobber", client.misc.get_wechat_ips() and client.access_token != token)

code = command("POST", "/users/mei/phone-code")["code"]
url = "https://api.weixin.qq.com/wxa/business/getuserphonenumber"
phone = client.post(url, data={"code": code})["phone_info"]
check("phone", phone["purePhoneNumber"] == mei["phone_number"])

data = command("POST", "/users/mei/encrypted-data", {"kind": "phone_number"})
crypto = WeChatWxaCrypto(session["session_key"], data["iv"], APP_ID)
plain = crypto.decrypt_message(data["encryptedData"])
check("decrypt", plain["phoneNumber"] == mei["phone_number"])

key = session["session_key"]
check("the key is base64 of 16 bytes", len(base64.b64decode(key)) == 16)
params = {"openid": mei["openid"], "sig_method": "hmac_sha256"}
checked = "https://api.weixin.qq.com/wxa/checksession"
check("check of the key", client.get(checked, params={**params, "signature": sign(key)})["errcode"] == 0)
reset = client.get(
    "https://api.weixin.qq.com/wxa/resetusersessionkey", params={**params, "signature": sign(key)}
)
check("reset of the key", reset["session_key"] != key)
old = errcode(lambda: client.get(checked, params={**params, "signature": sign(key)}))
check("the old key is 87009", old == 87009)

picture = client.wxa.get_wxa_code_unlimited("a=1", page="pages/index/index")
check("QR code", picture.content.startswith(b"\xff\xd8\xff"))
wrong = errcode(lambda: client.wxa.get_wxa_code_unlimited("a=1", page="/pages/index/index"))
check("a wrong page is 41030", wrong == 41030)

print(f"wechatpy: {passed} of {passed + len(failed)} checks")
raise SystemExit(1 if failed else 0)
