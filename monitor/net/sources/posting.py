"""Calls by POST, counted and hashed like the rest of a batch."""

from __future__ import annotations

from monitor.net.http import Answer
from monitor.net.sources.paging import Recorder


class PostRecorder(Recorder):
    """A Recorder for sources that are asked by POST as well."""

    def post(self, path: str, payload: object) -> Answer:
        self.calls += 1
        answer = self._http.post(path, payload)
        self._digest.update(answer.body)
        return answer
