"""What an import makes of Javashop's settings: a piece of connect.toml, and secrets nowhere but in files."""

import stat
import tomllib

from connect_core.settings import Settings

from ..kit.javashop_imports import Move
from ..kit.old_shops import SECRET


def test_settings_become_toml_without_their_secrets(move: Move) -> None:
    """Keys that have a place are printed, secrets as `env:`; the others are named."""
    move.old.setting(1, "ALIPAY", pc={"alipay_pc_app_id": "2021000000000000", "alipay_pc_private_key": SECRET})
    move.old.setting(2, "WECHAT", pc={"wechat_pc_app_id": "wx1", "wechat_pc_app_key": SECRET, "wechat_pc_x": SECRET})
    move.old.setting(3, "WEIBO", rn={"weibo_rn_app_key": SECRET})
    move.old.insert("es_connect_setting", id=4, name="QQ", type="QQ", config="{broken")
    said = move.run(code=1)
    shown = tomllib.loads(said.partition("# for connect.toml")[2])
    assert shown == {
        "clients": {"pc": ["alipay", "wechat"], "h5": ["alipay"]},
        "providers": {
            "alipay": {"app_id": "2021000000000000", "private_key": "env:CONNECT_ALIPAY_PRIVATE_KEY"},
            "wechat": {"pc": {"app_id": "wx1", "app_secret": "env:CONNECT_WECHAT_PC_APP_SECRET"}},
        },
    }
    assert shown.keys() <= Settings.model_fields.keys()
    assert "settings: wechat_pc_x: it has no place here" in said
    assert "settings: weibo_rn_app_key: it has no place here" in said
    assert "es_connect_setting 4" in said


def test_secrets_go_to_files_of_the_owner_alone(move: Move) -> None:
    """0600 in a folder of 0700, named by `file:` relative to connect.toml; a dry run writes none, nor does a second."""
    move.old.setting(1, "ALIPAY", pc={"alipay_pc_app_id": "2021000000000000", "alipay_pc_private_key": SECRET})
    folder = move.folder / "keys" / "old"
    options = ["--secrets-to", str(folder)]
    move.run("--dry-run", *options)
    assert not folder.exists()
    assert 'private_key = "file:keys/old/alipay-private-key"' in move.run(*options)
    file = folder / "alipay-private-key"
    assert file.read_text("utf-8") == SECRET + "\n"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (file, folder)] == [0o600, 0o700]
    move.run(*options)
    file.write_text("another")
    assert "left alone" in move.run(*options, code=2)
    assert file.read_text("utf-8") == "another"


def test_a_secret_in_the_wrong_field_is_not_printed(move: Move) -> None:
    """What has not the form of an app id is not shown as one."""
    move.old.setting(1, "WECHAT", pc={"wechat_pc_app_id": SECRET, "wechat_pc_app_key": "wx1"})
    assert "wechat_pc_app_id: it has another form" in move.run(code=1)
