from .rfm import rfm_score as rfm_score
from .segmenter import BehaviouralSegmenter as BehaviouralSegmenter
