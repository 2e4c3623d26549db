"""Static files: which of those that npm brings are not for us."""

from django.contrib.staticfiles.apps import StaticFilesConfig


class StaticFiles(StaticFilesConfig):
    """Django's, with fewer files: those named here refer to others that we do not have, or nobody asks for them."""

    ignore_patterns = [
        *StaticFilesConfig.ignore_patterns,
        *("tabler-*", "*.rtl.*", "tabler.css*"),
        *("*.cjs*", "*.esm.js", "*.d.ts", "*.amd.js", "chart.js*", "helpers.js*", "chart.umd.js*"),
        *("chunks", "controllers", "core", "elements", "helpers", "platform", "plugins", "scales", "types", "scss"),
    ]
