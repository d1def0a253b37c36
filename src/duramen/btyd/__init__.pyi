from .beta_geo import BetaGeoModel as BetaGeoModel
from .beta_geo import ModifiedBetaGeoModel as ModifiedBetaGeoModel
from .clv import customer_lifetime_value as customer_lifetime_value
from .credibility import CredibilitySpendModel as CredibilitySpendModel
from .gamma_gamma import GammaGammaModel as GammaGammaModel
from .pareto_nbd import ParetoNBDModel as ParetoNBDModel
