"""Why a customer is forecast as they are: factors, terms, reasons in words and dependence."""
