"""Rank all customers every night, and let a new model challenge the champion every month (Airflow 3).

The commands come from the environment of the workers; the orders and the MLflow store are set as Airflow variables.
"""

from datetime import datetime, timedelta

from airflow.sdk import dag, task

ORDERS = "{{ var.value.duramen_orders }}"
STORE = {"MLFLOW_TRACKING_URI": "{{ var.value.duramen_store }}"}
RETRIES = {"retries": 2, "retry_delay": timedelta(minutes=10)}


@dag(schedule="15 2 * * *", start_date=datetime(2026, 1, 1), catchup=False, default_args=RETRIES)
def score_customers():
    """Score with the champion; the scores of the day before stay until the new ones are complete."""

    @task.bash(env=STORE, append_env=True)
    def score() -> str:
        return (
            f"duramen score {ORDERS} --model models:/duramen@champion --cutoff {{{{ ds }}}} "
            "--out scores.parquet --reasons core"
        )

    score()


@dag(schedule="0 4 1 * *", start_date=datetime(2026, 1, 1), catchup=False, default_args=RETRIES)
def retrain_model():
    """Train a model and promote it only if it is surely better on later purchases."""

    @task.bash(env=STORE, append_env=True)
    def train() -> str:
        return f"duramen train {ORDERS} --horizon 91d --model-out model --overwrite"

    @task.bash(env=STORE, append_env=True)
    def promote() -> str:
        return f"duramen promote model {ORDERS}"

    train() >> promote()


score_customers()
retrain_model()
