from .matching import match_segments as match_segments
from .rfm import rfm_score as rfm_score
from .segmenter import BehaviouralSegmenter as BehaviouralSegmenter
