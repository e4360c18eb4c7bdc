"""What is the state of a name, and may it be announced.

`assessor` builds the situation around the evidence of a name, `verdicts` weighs the evidence into a state (with the weights of
`likelihoods`), `gates` names what an alarm needs beyond the score, `learning` keeps what outlives an answer, `offline` reads
recorded answers. The room owns nothing. Its door is `assessor.Assessor`.
"""
