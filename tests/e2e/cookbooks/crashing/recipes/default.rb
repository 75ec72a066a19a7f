Common.application(self, 'crashing', exec: '/bin/sh -c "echo last words; exit 7"', verify_timeout: 2)
