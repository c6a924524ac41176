"""What the doctor has to know of WeCom's answers.

Errors: https://developer.work.weixin.qq.com/document/path/90313
"""

from connect_core.plugin import Diagnosis, Registered

DIAGNOSIS = Diagnosis(
    registered=(Registered.HOST,),  # the trusted domain (可信域名)
    redirect_errors=("50001",),
    remedies={
        "40001": "Compare client_secret with the Secret of this app; each app of a company has its own.",
        "40013": "Compare client_id with the company's CorpID.",
        "60020": "Add this machine's address to the app's trusted IP addresses (企业可信IP).",
    },
)
