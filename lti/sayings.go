package lti

type saying struct{ person, mend string }

// What can be done, where several reasons share it.
const (
	startAgain    = "Go back to your course and open the activity again."
	tellTeacher   = "Tell your teacher or the administrator of your learning platform the reason that stands below."
	againThenTell = "Go back to your course and try again in a minute. If it happens again, tell your teacher the reason that stands below."
	openNewTab    = "Open the activity in a new tab, or allow cookies for this site, and try again from your course."
)

// Why a token is not believed is for the log; a person needs to know no more
// than that it is not their fault.
var (
	forged     = saying{"The message from your learning platform could not be trusted, so nobody was signed in.", againThenTell}
	misread    = saying{"The message from your learning platform could not be understood.", tellTeacher}
	keysBroken = saying{"The keys of your learning platform cannot be used, so its message could not be checked.", tellTeacher}
	clocks     = saying{"The clocks of your learning platform and of this server differ too much.", "Try again in a few minutes. If it happens again, an administrator has to set the clocks."}
	tooOld     = saying{"This launch has grown too old.", startAgain}
	regBroken  = saying{"The learning platform's answer could not be understood.", "Register the tool by hand, or ask whoever runs the platform to look at its log."}
)

var sayings = map[Reason]saying{
	ReasonLoginIncomplete:   {"The learning platform did not say who it is or who you are.", "Open the activity from your course, not from a bookmark."},
	ReasonLoginTooLong:      misread,
	ReasonPlatformUnknown:   {"This learning platform is not registered here.", "An administrator of this server has to register the platform first."},
	ReasonClientUnknown:     {"Your learning platform is known here, but this registration of the tool is not.", "An administrator has to register it with the client id that stands in the log, or remove the tool's old entry from the platform."},
	ReasonPlatformAmbiguous: {"Your learning platform has several registrations here and did not say which one is meant.", "An administrator has to make the platform send its client id, or remove the registrations that are not used."},
	ReasonPlatformAddress:   {"The registration of your learning platform has a wrong address.", "An administrator of this server has to mend the platform's authorisation address: https and complete."},
	ReasonLookup:            {"This server could not look up your learning platform just now.", againThenTell},

	ReasonLoginRequired:  {"Your learning platform says that you are not signed in there any more.", "Sign in to your learning platform and open the activity again."},
	ReasonLaunchOutdated: {"Your learning platform says that this launch is no longer valid.", startAgain},
	ReasonPlatformError:  {"Your learning platform broke off the launch.", againThenTell},

	ReasonStateMissing:   {"This launch was not begun here.", "Open the activity from your course, not from a bookmark."},
	ReasonStateMalformed: {"This launch arrived damaged.", startAgain},
	ReasonStateForged:    {"This launch was not begun by this server.", startAgain},
	ReasonStateExpired:   tooOld,
	ReasonPlatformGone:   {"The registration of your learning platform was removed while you signed in.", tellTeacher},
	ReasonCookieMissing:  {"Your browser did not keep the cookie that this sign-in needs.", openNewTab},
	ReasonOtherBrowser:   {"This launch was begun in another browser or by somebody else.", startAgain},
	ReasonStorageForeign: {"This launch was sent by another site.", startAgain},
	ReasonStorageWrong:   {"What your learning platform keeps for this launch does not fit to it.", openNewTab},

	ReasonTokenMissing:   {"Your learning platform sent no message.", againThenTell},
	ReasonTokenTooLarge:  {"The message from your learning platform is too large.", tellTeacher},
	ReasonTokenMalformed: misread,
	ReasonTokenTooDeep:   misread,
	ReasonTokenUnsigned:  forged,
	ReasonTokenAlgorithm: forged,
	ReasonTokenBringsKey: forged,
	ReasonTokenCritical:  forged,

	ReasonIssuer:       forged,
	ReasonAudience:     {"This launch was meant for another tool.", tellTeacher},
	ReasonPartyMissing: {"This launch was meant for several tools and does not say for which.", tellTeacher},
	ReasonParty:        {"This launch was meant for another tool.", tellTeacher},

	ReasonKeysUnreachable: {"The keys of your learning platform cannot be reached just now, so its message could not be checked.", againThenTell},
	ReasonKeysSlow:        {"Your learning platform took too long to hand over its keys, so its message could not be checked.", againThenTell},
	ReasonKeysAddress:     keysBroken,
	ReasonKeysRedirect:    keysBroken,
	ReasonKeysTooLarge:    keysBroken,
	ReasonKeysMalformed:   keysBroken,
	ReasonKeysEmpty:       keysBroken,
	ReasonKeysTooMany:     keysBroken,
	ReasonKeysUnusable:    keysBroken,
	ReasonKeyUnknown:      {"The message was signed with a key that your learning platform does not list.", againThenTell},
	ReasonSignature:       forged,

	ReasonTokenTimeless: misread,
	ReasonTokenExpired:  tooOld,
	ReasonTokenFuture:   clocks,
	ReasonTokenStale:    {"Your learning platform sent an old message instead of a new one.", startAgain},
	ReasonTokenEarly:    clocks,
	ReasonNonce:         {"The message from your learning platform does not belong to this launch.", startAgain},

	ReasonVersion:           {"Your learning platform speaks another version of LTI.", "An administrator has to set the tool to LTI 1.3 in the learning platform."},
	ReasonMessageUnknown:    {"Your learning platform asks for something that this tool does not know.", tellTeacher},
	ReasonDeploymentMissing: misread,
	ReasonDeploymentUnknown: {"The tool was added to your course in a way that is not registered here.", "An administrator has to add the deployment id that stands in the log to the platform's registration."},
	ReasonDeploymentChanged: {"The message from your learning platform does not belong to this launch.", startAgain},
	ReasonAnonymous:         {"Your learning platform did not say who you are, and without that nobody's work can be kept.", "Sign in to your learning platform. If you are signed in, its administrator has to let the tool know users by their id; names and addresses are not needed."},
	ReasonTargetMissing:     misread,
	ReasonTargetElsewhere:   {"The activity points to an address that is not this tool's.", "Whoever added it to the course has to mend the tool's address there, or an administrator the public address of this server."},
	ReasonTargetChanged:     {"The activity's address changed while you signed in.", startAgain},
	ReasonLinkMissing:       {"Your learning platform did not say which activity is meant.", tellTeacher},
	ReasonContextNameless:   {"Your learning platform did not say which course is meant.", tellTeacher},
	ReasonForUserMissing:    {"Your learning platform did not say whose work is to be shown.", "Open the work from the gradebook again. If that does not help, tell the administrator the reason that stands below."},
	ReasonLinkingMissing:    misread,
	ReasonLinkingReturn:     {"Your learning platform did not say where the choice has to be sent.", tellTeacher},
	ReasonLinkingTypes:      {"Your learning platform asks here for something that this tool cannot give: it has only activities.", "Add the tutorial where your platform adds activities of external tools."},
	ReasonServiceAddress:    {"Your learning platform names an address for grades or members that is not safe.", "An administrator has to set the platform's own address to https."},
	ReasonClaimMalformed:    misread,
	ReasonClaimTooLong:      misread,

	ReasonReplayed: {"This launch was used already.", startAgain},
	ReasonOnce:     {"This server could not note your launch just now.", againThenTell},

	ReasonRegistrationAddress:     {"The address of the platform's configuration is not one that may be asked.", "Start the registration from the learning platform; its address has to begin with https."},
	ReasonRegistrationUnreachable: {"The learning platform could not be reached from this server.", "Look whether this server can open the platform's address, then start the registration again."},
	ReasonRegistrationRedirect:    {"The learning platform sent this server to another place.", "Set the platform's own address so that it needs no redirection, and start again."},
	ReasonRegistrationTooLarge:    regBroken,
	ReasonRegistrationMalformed:   regBroken,
	ReasonRegistrationDenied:      {"The learning platform did not hand over its configuration.", "Its permission may have run out: start the registration again from the platform."},
	ReasonRegistrationIssuer:      {"The learning platform gives itself a name that belongs to another host.", "Set the platform's issuer to its own address (Canvas: lti_iss in security.yml), or register it by hand."},
	ReasonRegistrationEndpoint:    {"The learning platform's configuration lacks an address or has one that is not safe.", "Set the platform's own address to https, or register it by hand."},
	ReasonRegistrationSigning:     {"The learning platform cannot sign with RS256, which LTI asks for.", "Update the platform."},
	ReasonRegistrationRefused:     {"The learning platform did not accept the registration.", "What it said stands below. Start again from the platform, or register by hand."},
	ReasonRegistrationNameless:    {"The learning platform registered the tool but did not say under which client id.", "Look into the platform's list of tools and enter the client id here by hand."},
}
