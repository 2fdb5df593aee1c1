pub(crate) struct Layout; pub(crate) struct Project;
