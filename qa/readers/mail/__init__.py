"""E-mail and its formats: messages, mailboxes, Outlook's files, calendars and saved web pages."""
