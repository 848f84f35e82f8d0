"""What an action needs to be there before it can be called."""

import itertools

from alibabacloud_esa20240910 import models

from sdk import add_version

SITE = 1001
SITE_NAME = "example.com"
BRIDGE = '(http.host eq "example.com" and http.request.uri.path eq "/a")'


class Stage:
    """Makes what is asked for, through the SDK, each under a name of its own."""

    numbers = itertools.count(1)

    def __init__(self, esa):
        self.esa = esa

    def name(self, what):
        return f"{what}-{next(self.numbers)}"

    def routine(self):
        name = self.name("act")
        self.esa("CreateRoutine", name=name, description="for one action")
        return name

    def version(self):
        """A routine and a version of it."""
        name = self.routine()
        return {"name": name, "code_version": add_version(self.esa, name)}

    def deployed(self):
        made = self.version()
        self.esa("PublishRoutineCodeVersion", env="production", **made)
        return made

    def record(self):
        made = {"name": self.routine(), "site_id": SITE,
                "record_name": f"{self.name('record')}.{SITE_NAME}"}
        answer = self.esa("CreateRoutineRelatedRecord", **made)
        return made | {"record_id": answer.record_id}

    def route(self, **more):
        made = {"site_id": SITE, "routine_name": self.routine(), "route_name": self.name("route"),
                "route_enable": "on", "rule": BRIDGE} | more
        return made | {"config_id": self.esa("CreateRoutineRoute", **made).config_id}

    def variables(self):
        made = {"name": self.routine(), "env": "production"}
        self.esa("SetRoutineEnvironmentVariables", **made, environment_variables={
            "GREETING": models.EnvironmentVariablesValue(type="plain_text", value="hello"),
        })
        return made

    def app(self):
        answer = self.esa("CreateEdgeContainerApp", name=self.name("app-of-action"),
                          service_port=80, target_port=8080, remarks="for one action")
        return {"app_id": answer.app_id}

    def app_version(self):
        app = self.app()
        answer = self.esa("CreateEdgeContainerAppVersion", **app, name=self.name("release"),
                          containers=[container()])
        return app | {"version_id": answer.version_id}

    def published(self, env="prod"):
        made = self.app_version()
        self.esa("PublishEdgeContainerAppVersion", **made, publish_env=env)
        return made

    def app_record(self):
        made = self.app() | {"site_id": SITE, "record_name": f"{self.name('app')}.{SITE_NAME}"}
        self.esa("CreateEdgeContainerAppRecord", **made)
        return made


def container():
    """A container with everything that one may have."""
    made = models.CreateEdgeContainerAppVersionRequestContainers
    probe = models.CreateEdgeContainerAppVersionRequestContainersProbeContent
    return made(
        name="web", image="web:1", is_acrimage=False, spec="1C2G", storage="10G",
        probe_type="httpGet", args="--verbose", command="serve", env_variables="LEVEL=info",
        post_start="true", pre_stop="true",
        probe_content=probe(
            path="/healthz", port=8080, host="127.0.0.1", scheme="HTTP", http_headers="{}",
            initial_delay_seconds=1, period_seconds=2, timeout_seconds=3, success_threshold=1,
            failure_threshold=4,
        ),
    )
