"""A program that knows nothing of dagdeck but what its environment says, and tells through
OpenLineage's own client what it made of what."""

import os
import sys
from datetime import datetime, timezone

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import column_lineage_dataset, parent_run, schema_dataset
from openlineage.client.uuid import generate_new_uuid

raw, report = sys.argv[1:]
parent = os.environ["OPENLINEAGE_PARENT_ID"].split("/")
root = os.environ["OPENLINEAGE_ROOT_PARENT_ID"].split("/")
run = Run(
    runId=str(generate_new_uuid()),
    facets={
        "parent": parent_run.ParentRunFacet(
            run=parent_run.Run(runId=parent[2]),
            job=parent_run.Job(namespace=parent[0], name=parent[1]),
            root=parent_run.Root(
                run=parent_run.RootRun(runId=root[2]),
                job=parent_run.RootJob(namespace=root[0], name=root[1]),
            ),
        )
    },
)
job = Job(namespace="reports", name="monthly")
schema = schema_dataset.SchemaDatasetFacet(
    fields=[schema_dataset.SchemaDatasetFacetFields(name="total", type="double")]
)
origin = column_lineage_dataset.InputField(namespace="file", name=raw, field="amount")
columns = column_lineage_dataset.ColumnLineageDatasetFacet(
    fields={"total": column_lineage_dataset.Fields(inputFields=[origin])}
)
# The URL and the key stand in the environment, as everywhere.
client = OpenLineageClient()
for state in [RunState.START, RunState.COMPLETE]:
    client.emit(
        RunEvent(
            eventType=state,
            eventTime=datetime.now(timezone.utc).isoformat(),
            run=run,
            job=job,
            inputs=[InputDataset(namespace="file", name=raw)],
            outputs=[
                OutputDataset(
                    namespace="file",
                    name=report,
                    facets={"schema": schema, "columnLineage": columns},
                )
            ],
        )
    )
client.close(timeout=30)
