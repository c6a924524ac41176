"""What the doctor has to know of QQ's answers.

Errors: https://wiki.connect.qq.com/公共返回码说明
"""

from connect_core.plugin import ClientType, Diagnosis

DIAGNOSIS = Diagnosis(
    ambiguous_refusals=(ClientType.MINI,),  # 40029 is the only documented number of a mini program's call
    redirect_errors=("100010",),
    remedies={
        "100008": "Compare client_id with the APP ID at connect.qq.com.",
        "100009": "Compare client_secret with the APP Key at connect.qq.com.",
        "100011": "Put the app online at connect.qq.com.",
    },
)
