"""What the project team does with commitments and CCOs: one transaction each, told to the change history."""
