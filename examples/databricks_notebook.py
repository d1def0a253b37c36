# Databricks notebook source
# MAGIC %md
# MAGIC # Core customers
# MAGIC Trains on a table of orders and writes the ranking to a table. Change the names in the next cell.

# COMMAND ----------

# MAGIC %pip install duramen[report]

# COMMAND ----------

ORDERS = "orders"  # columns customer_id, date and amount
RANKING = "core_customers"
CUTOFF, HORIZON = "1998-04-01", "91d"

# COMMAND ----------

import duramen as dm

orders = spark.table(ORDERS).select("customer_id", "date", "amount").toPandas()
tx = dm.read_transactions(orders, name=ORDERS)
print(tx)

# COMMAND ----------

# Training logs nothing by itself where MLflow's autologging is on; record_training records one run.
window = dm.Window(CUTOFF, HORIZON)
model = dm.CoreCustomerModel().fit(tx, window)
card = dm.scorecard(model.holdout_)
card

# COMMAND ----------

customers = dm.customer_table(tx, window.cutoff)
ranking = dm.rank_customers(model, tx, customers)
spark.createDataFrame(ranking).write.mode("overwrite").saveAsTable(RANKING)
ranking.head(10)
