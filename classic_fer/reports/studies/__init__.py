"""Reports of studies: Markdown, terminal and figures, all drawn from a StudyResult."""
